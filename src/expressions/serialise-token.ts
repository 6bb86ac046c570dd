import type { TemplateContext } from "@actions/workflow-parser/templates/template-context";
import type { TemplateToken as OfficialToken } from "@actions/workflow-parser/templates/tokens/template-token";
import type { SourcePosition, TemplateEntry, TemplateToken } from "../model/template.ts";
import type { ParsingPackage } from "./official-packages.ts";

/** The package's schema marks the places whose plain text is an expression by these definitions. */
const CONDITION_DEFINITIONS = new Set(["job-if", "step-if", "snapshot-if"]);

/** Checks conditions on the way, since only the package's tokens know which contexts may be named where. */
export function serialiseToken(parsing: ParsingPackage, token: OfficialToken, context: TemplateContext): TemplateToken {
  const at = position(token);
  if (token instanceof parsing.MappingToken) {
    const entries: TemplateEntry[] = [];
    for (const pair of token) {
      const key =
        pair.key instanceof parsing.InsertExpressionToken
          ? { kind: "insert" as const, ...position(pair.key) }
          : serialiseKey(parsing, pair.key, context);
      entries.push({ key, value: serialiseToken(parsing, pair.value, context) });
    }
    return { kind: "mapping", entries, ...at };
  }
  if (token instanceof parsing.SequenceToken) {
    const items: TemplateToken[] = [];
    for (const item of token) items.push(serialiseToken(parsing, item, context));
    return { kind: "sequence", items, ...at };
  }
  if (token instanceof parsing.BasicExpressionToken) return { kind: "expression", expression: token.expression, ...at };
  if (token instanceof parsing.BooleanToken) return { kind: "boolean", value: token.value, ...at };
  if (token instanceof parsing.NumberToken) return { kind: "number", value: token.value, ...at };
  if (token instanceof parsing.StringToken) {
    checkCondition(parsing, token, context);
    return { kind: "string", value: token.value, ...at };
  }
  return { kind: "null", ...at };
}

/** A key carries the definition of its value, so it must not pass as a condition itself. */
function serialiseKey(parsing: ParsingPackage, key: OfficialToken, context: TemplateContext): TemplateToken {
  return key instanceof parsing.StringToken
    ? { kind: "string", value: key.value, ...position(key) }
    : serialiseToken(parsing, key, context);
}

function position(token: OfficialToken): { readonly at?: SourcePosition } {
  const start = token.range?.start;
  return start ? { at: { line: start.line, column: start.column } } : {};
}

function checkCondition(parsing: ParsingPackage, token: OfficialToken & { readonly value: string }, context: TemplateContext): void {
  const info = token.definitionInfo;
  if (info === undefined || !CONDITION_DEFINITIONS.has(info.definition.key) || token.value.trim() === "") return;
  try {
    parsing.ExpressionToken.validateExpression(token.value.trim(), info.allowedContext);
  } catch (error) {
    context.error(token, error);
  }
}
