import type { Expr } from "@actions/expressions/ast";
import type { ConditionPlan } from "../model/plan.ts";
import type { SourcePosition, TemplateToken } from "../model/template.ts";
import { evaluationPackage } from "./official-packages.ts";
import { parseExpression } from "./parse-expression.ts";

const STATUS_FUNCTIONS = new Set(["success", "failure", "cancelled", "always"]);

/** An `if` as it is evaluated: `success()` is implied unless a status function is called. Absent and empty are `success()`. */
export function planCondition(token: TemplateToken | undefined, at: SourcePosition): ConditionPlan {
  const where = token?.at ?? at;
  const text = conditionText(token);
  if (text === "") return { expression: "success()", isDefault: true, at: where };
  if (callsStatusFunction(parseExpression(text))) return { expression: text, isDefault: false, at: where };
  return { expression: `success() && (${text})`, isDefault: true, at: where };
}

/** The condition as written, without `${{ }}`. */
export function conditionText(token: TemplateToken | undefined): string {
  if (token === undefined) return "";
  if (token.kind === "expression") return token.expression.trim();
  if (token.kind === "string") return token.value.trim();
  return token.kind === "boolean" || token.kind === "number" ? String(token.value) : "";
}

function callsStatusFunction(tree: Expr): boolean {
  const { ast } = evaluationPackage();
  if (tree instanceof ast.FunctionCall) {
    return STATUS_FUNCTIONS.has(tree.functionName.lexeme.toLowerCase()) || tree.args.some(callsStatusFunction);
  }
  return childrenOf(tree).some(callsStatusFunction);
}

/** The expressions directly below one. */
export function childrenOf(tree: Expr): readonly Expr[] {
  const { ast } = evaluationPackage();
  if (tree instanceof ast.FunctionCall || tree instanceof ast.Logical) return tree.args;
  if (tree instanceof ast.Binary) return [tree.left, tree.right];
  if (tree instanceof ast.Unary) return [tree.expr];
  if (tree instanceof ast.Grouping) return [tree.group];
  if (tree instanceof ast.IndexAccess) return [tree.expr, tree.index];
  return [];
}
