// Inputs of `workflow_dispatch` and `workflow_call`: typed, with defaults. Names compare without case.

import { type EvaluationScope } from "../../expressions/evaluate-expression.ts";
import { evaluateTemplate, scalarText } from "../../expressions/evaluate-template.ts";
import { SignalboxError } from "../../model/errors.ts";
import type { JsonValue } from "../../model/payload.ts";
import type { InputDeclaration } from "../../model/plan.ts";
import type { TemplateToken } from "../../model/template.ts";

export type InputValues = { readonly [name: string]: JsonValue };

/** Every declared input with a value of its type; throws for the first one that has none or a wrong one. */
export function resolveInputs(declared: readonly InputDeclaration[], given: InputValues, scope: EvaluationScope): InputValues {
  const byName = new Map(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]));
  const unknown = Object.keys(given).find((name) => !declared.some((input) => input.name.toLowerCase() === name.toLowerCase()));
  if (unknown !== undefined) {
    const names = declared.map(({ name }) => name).join(", ");
    throw invalid(`There is no input '${unknown}'. ${names === "" ? "The workflow declares no inputs." : `Declared are: ${names}.`}`);
  }
  return Object.fromEntries(declared.map((input) => [input.name, resolveInput(input, byName.get(input.name.toLowerCase()), scope)]));
}

function resolveInput(input: InputDeclaration, given: JsonValue | undefined, scope: EvaluationScope): JsonValue {
  if (given !== undefined) return typedInput(input, given);
  if (input.default !== undefined && input.default.kind !== "null") return typedInput(input, evaluateTemplate(input.default, scope));
  if (input.required) throw invalid(`The input '${input.name}' is required and has no default${describe(input)}.`);
  return emptyInput(input);
}

/** Why a literal in the `with` of a call is no value for the input; what is an expression only the run can tell. */
export function literalInputProblem(input: InputDeclaration, token: TemplateToken): string | undefined {
  if (token.kind === "expression" || token.kind === "mapping" || token.kind === "sequence") return undefined;
  try {
    typedInput(input, token.kind === "null" ? "" : token.value);
    return undefined;
  } catch (error) {
    return error instanceof SignalboxError ? error.message : undefined;
  }
}

/** What GitHub gives for an input that nobody set. */
function emptyInput(input: InputDeclaration): JsonValue {
  if (input.type === "boolean") return false;
  if (input.type === "number") return 0;
  return input.type === "choice" ? (input.options?.[0] ?? "") : "";
}

/** Text is taken for every type, because the command line knows nothing else. */
function typedInput(input: InputDeclaration, value: JsonValue): JsonValue {
  switch (input.type) {
    case "boolean":
      if (typeof value === "boolean") return value;
      if (value === "true" || value === "false") return value === "true";
      throw invalid(`The input '${input.name}' must be true or false, not '${shown(value)}'.`);
    case "number": {
      const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
      if (typeof number === "number" && Number.isFinite(number)) return number;
      throw invalid(`The input '${input.name}' must be a number, not '${shown(value)}'.`);
    }
    case "choice":
      if (input.options?.includes(shown(value))) return shown(value);
      throw invalid(`The input '${input.name}' must be one of ${(input.options ?? []).join(", ")}, not '${shown(value)}'.`);
    default:
      return shown(value);
  }
}

function shown(value: JsonValue): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : scalarText(value);
}

function describe(input: InputDeclaration): string {
  const kind = input.type === "string" ? "" : ` (a ${input.type})`;
  return `${kind}${input.description === undefined ? "" : `: ${input.description}`}`;
}

function invalid(message: string): SignalboxError {
  return new SignalboxError("INVALID_ARGUMENT", message);
}
