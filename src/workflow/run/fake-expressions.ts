// Expressions for tests, without the official packages: conditions of status functions, literals, `name` paths through
// the contexts, and `throw` for a key that cannot be evaluated.

import type { JsonValue } from "../../model/payload.ts";
import type { TemplateToken } from "../../model/template.ts";
import type { ExpressionScope, JobExpressions } from "./ports.ts";
import { valueText } from "./value-text.ts";

export const fakeExpressions: JobExpressions = {
  condition(expression, { status }) {
    switch (expression) {
      case "success()":
        return status.success;
      case "failure()":
        return status.failure;
      case "cancelled()":
        return status.cancelled;
      case "always()":
        return true;
      default:
        throw new Error(`Unrecognized function: '${expression}'`);
    }
  },
  value: evaluate,
  matrix(strategy, scope) {
    const matrix = strategy.matrix === undefined ? {} : evaluate(strategy.matrix, scope);
    const [[key, values] = ["", []]] = Object.entries(matrix ?? {});
    return (Array.isArray(values) ? values : []).map((value: JsonValue) => ({ values: { [key]: value }, label: valueText(value) }));
  },
  callInputs: (_call, given) => fieldsOf(given),
  unsupported: (job) =>
    job.kind === "steps" && job.runsOn.kind === "string" && job.runsOn.value.startsWith("windows")
      ? `runs-on: "${job.runsOn.value}" is not this machine`
      : undefined,
};

function evaluate(token: TemplateToken, scope: ExpressionScope): JsonValue {
  switch (token.kind) {
    case "null":
      return null;
    case "sequence":
      return token.items.map((item) => evaluate(item, scope));
    case "mapping":
      return Object.fromEntries(token.entries.map(({ key, value }) => [key.kind === "string" ? key.value : "", evaluate(value, scope)]));
    case "expression":
      if (token.expression === "throw") throw new Error("Unrecognized named-value: 'nothing'");
      return token.expression.split(".").reduce((value: JsonValue, name) => member(value, name), scope.contexts);
    default:
      return token.value;
  }
}

const member = (value: JsonValue, name: string): JsonValue => fieldsOf(value)[name] ?? null;

function fieldsOf(value: JsonValue): { readonly [name: string]: JsonValue } {
  return isObject(value) ? value : {};
}

function isObject(value: JsonValue): value is { readonly [name: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export const literal = (value: JsonValue): TemplateToken => {
  if (value === null) return { kind: "null" };
  if (typeof value === "boolean") return { kind: "boolean", value };
  if (typeof value === "number") return { kind: "number", value };
  if (typeof value === "string") return { kind: "string", value };
  if (Array.isArray(value)) return { kind: "sequence", items: value.map((item: JsonValue) => literal(item)) };
  const entries = Object.entries(value).map(([key, item]) => ({ key: literal(key), value: literal(item) }));
  return { kind: "mapping", entries };
};

export const expression = (text: string): TemplateToken => ({ kind: "expression", expression: text });
