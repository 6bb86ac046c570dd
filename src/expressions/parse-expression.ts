import type { Expr } from "@actions/expressions/ast";
import { EvaluationError } from "./evaluation-error.ts";
import { evaluationPackage } from "./official-packages.ts";

/** Where an expression may stand is checked when its file is parsed; here every context and function is known. */
const CONTEXTS = ["github", "env", "vars", "secrets", "inputs", "job", "jobs", "steps", "runner", "strategy", "matrix", "needs"];
const FUNCTIONS = [
  { name: "always", minArgs: 0, maxArgs: 0 },
  { name: "success", minArgs: 0, maxArgs: 255 },
  { name: "failure", minArgs: 0, maxArgs: 255 },
  { name: "cancelled", minArgs: 0, maxArgs: 0 },
  { name: "hashFiles", minArgs: 1, maxArgs: 255 },
];

/** Expressions come back at every step of every matrix cell; their number is bounded by what the files hold. */
const CACHE_LIMIT = 2_000;
const cache = new Map<string, Expr>();

export function parseExpression(expression: string): Expr {
  const known = cache.get(expression);
  if (known !== undefined) return known;
  const { Lexer, Parser, TokenType } = evaluationPackage();
  let tree: Expr;
  try {
    // The package's lexer undoes only the first doubled quote of a string.
    const tokens = new Lexer(expression)
      .lex()
      .tokens.map((token) =>
        token.type === TokenType.STRING ? { ...token, value: token.lexeme.slice(1, -1).replaceAll("''", "'") } : token,
      );
    tree = new Parser(tokens, CONTEXTS, FUNCTIONS).parse();
  } catch (error) {
    throw new EvaluationError(parserMessage(error), { expression }, error);
  }
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(expression, tree);
  return tree;
}

/** The package's own text, without the name that its lexer gives to the end. */
export function parserMessage(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message === "Unexpected symbol: 'EOF'" ? "Unexpected end of expression" : message;
}
