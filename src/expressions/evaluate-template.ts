// Templates to values. A slot that wants a string takes scalars only, as text; one that wants a boolean or a number takes
// exactly that, as GitHub does: `${{ vars.MINUTES }}` is text, and `fromJSON(vars.MINUTES)` is what fits.

import type { ExpressionData } from "@actions/expressions/data/index";
import type { JsonValue } from "../model/payload.ts";
import type { SourcePosition, TemplateToken } from "../model/template.ts";
import { type EvaluationScope, evaluateExpression } from "./evaluate-expression.ts";
import { EvaluationError } from "./evaluation-error.ts";
import { dataFactory } from "./expression-data.ts";
import { formatNumber } from "./format-number.ts";
import { evaluationPackage } from "./official-packages.ts";

export function evaluateTemplate(token: TemplateToken, scope: EvaluationScope): JsonValue {
  switch (token.kind) {
    case "boolean":
    case "number":
    case "string":
      return token.value;
    case "expression":
      return dataFactory().toJson(evaluateExpression(token.expression, scope, token.at));
    case "sequence":
      return token.items.map((item) => evaluateTemplate(item, scope));
    case "mapping":
      return Object.fromEntries(evaluateEntries(token, scope, evaluateTemplate));
    default:
      return null;
  }
}

/** The entries of a mapping, in order, with what `${{ insert }}` brings in; a later key replaces an earlier one. */
function evaluateEntries<T extends JsonValue>(
  token: TemplateToken & { readonly kind: "mapping" },
  scope: EvaluationScope,
  evaluate: (value: TemplateToken, scope: EvaluationScope) => T,
): [string, JsonValue][] {
  const entries: [string, JsonValue][] = [];
  for (const { key, value } of token.entries) {
    if (key.kind !== "insert") {
      entries.push([evaluateString(key, scope), evaluate(value, scope)]);
      continue;
    }
    const inserted = evaluateTemplate(value, scope);
    if (typeof inserted !== "object" || inserted === null || Array.isArray(inserted)) {
      throw new EvaluationError("The value of '${{ insert }}' must be a mapping.", { at: value.at ?? key.at });
    }
    entries.push(...Object.entries(inserted));
  }
  return entries;
}

export function evaluateString(token: TemplateToken, scope: EvaluationScope): string {
  return scalarText(evaluateTemplate(token, scope), token.at);
}

/** A mapping of strings, such as `env` or `with`. Null reads as an empty one. */
export function evaluateStrings(token: TemplateToken | undefined, scope: EvaluationScope): { readonly [name: string]: string } {
  if (token === undefined) return {};
  if (token.kind === "mapping") {
    return Object.fromEntries(evaluateEntries(token, scope, evaluateString).map(([name, value]) => [name, scalarText(value, token.at)]));
  }
  const value = evaluateTemplate(token, scope);
  if (value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new EvaluationError(`A mapping was expected, but the value is ${describe(value)}.`, { at: token.at });
  }
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, scalarText(item, token.at)]));
}

export function evaluateBoolean(token: TemplateToken, scope: EvaluationScope): boolean {
  const value = evaluateTemplate(token, scope);
  if (typeof value === "boolean") return value;
  throw new EvaluationError(`Expected true or false, but the value is ${describe(value)}.${hint(value)}`, { at: token.at });
}

export function evaluateNumber(token: TemplateToken, scope: EvaluationScope): number {
  const value = evaluateTemplate(token, scope);
  if (typeof value === "number") return value;
  throw new EvaluationError(`Expected a number, but the value is ${describe(value)}.${hint(value)}`, { at: token.at });
}

/** Whether a condition holds, by the language's own idea of truth. */
export function evaluateCondition(
  condition: { readonly expression: string; readonly at?: SourcePosition },
  scope: EvaluationScope,
): boolean {
  // What nearly every condition is: the functions need no language around them.
  if (condition.expression === "success()" && scope.status !== undefined) return scope.status.success();
  return isTruthy(evaluateExpression(condition.expression, scope, condition.at));
}

function isTruthy(value: ExpressionData): boolean {
  const { data } = evaluationPackage();
  if (value instanceof data.StringData) return value.value.length > 0;
  if (value instanceof data.NumberData) return value.value !== 0 && !Number.isNaN(value.value);
  if (value instanceof data.BooleanData) return value.value;
  return value.kind !== data.Kind.Null;
}

/** The language's `==` for scalars: text without case, and numbers, booleans and null coerced. */
export function looselyEqual(a: JsonValue, b: JsonValue): boolean {
  const { fromJson } = dataFactory();
  return evaluationPackage().equals(fromJson(a), fromJson(b));
}

/** A scalar as text, as `${{ }}` inside a string gives it. */
export function scalarText(value: JsonValue, at?: SourcePosition): string {
  if (value === null) return "";
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "true" : "false";
  if (typeof value === "number") return formatNumber(value);
  throw new EvaluationError(`A text was expected, but the value is ${describe(value)}. Use toJSON(...) to make it one.`, { at });
}

function describe(value: JsonValue): string {
  if (value === null) return "empty";
  if (typeof value === "string")
    return value === "" ? "an empty text" : `the text '${value.length > 60 ? `${value.slice(0, 60)}...` : value}'`;
  if (typeof value === "boolean" || typeof value === "number") return scalarText(value);
  return Array.isArray(value) ? "a list" : "an object";
}

function hint(value: JsonValue): string {
  return typeof value === "string" && value !== "" ? " Use fromJSON(...) to turn text into a value." : "";
}
