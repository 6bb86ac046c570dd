import type { Expr } from "@actions/expressions/ast";
import type { TemplateToken } from "../model/template.ts";
import { childrenOf } from "./condition.ts";
import { evaluationPackage } from "./official-packages.ts";
import { parseExpression } from "./parse-expression.ts";

export interface ContextReference {
  /** In lower case. */
  readonly context: string;
  /** As written; absent where the whole context is read, or a property that only evaluation can name. */
  readonly property?: string;
}

/** Which contexts an expression reads, and which property of each, as far as the text says. */
export function referencedContexts(expression: string): readonly ContextReference[] {
  const found: ContextReference[] = [];
  visit(parseExpression(expression), found);
  return found;
}

export function templateReferences(token: TemplateToken | undefined): readonly ContextReference[] {
  return token === undefined ? [] : expressionsOf(token).flatMap(referencedContexts);
}

/** Every expression in a template, keys included, in order. */
function expressionsOf(token: TemplateToken): readonly string[] {
  if (token.kind === "expression") return [token.expression];
  if (token.kind === "sequence") return token.items.flatMap(expressionsOf);
  if (token.kind !== "mapping") return [];
  return token.entries.flatMap(({ key, value }) => [...(key.kind === "insert" ? [] : expressionsOf(key)), ...expressionsOf(value)]);
}

function visit(tree: Expr, found: ContextReference[]): void {
  const { ast, data } = evaluationPackage();
  if (tree instanceof ast.ContextAccess) {
    found.push({ context: tree.name.lexeme.toLowerCase() });
  } else if (tree instanceof ast.IndexAccess && tree.expr instanceof ast.ContextAccess) {
    const context = tree.expr.name.lexeme.toLowerCase();
    const index = tree.index;
    const isNamed = index instanceof ast.Literal && index.literal instanceof data.StringData;
    found.push(isNamed ? { context, property: index.literal.coerceString() } : { context });
    visit(index, found);
  } else {
    for (const child of childrenOf(tree)) visit(child, found);
  }
}
