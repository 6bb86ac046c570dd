// The official packages, loaded on first use: they cost more than the rest of the command's start. Everything else in
// this folder gets them from here, so nothing outside ever waits for them without need.

import { registerHooks } from "node:module";
import { SignalboxError } from "../model/errors.ts";

async function importEvaluation() {
  const [ast, data, evaluator, functions, lexer, parser] = await Promise.all([
    import("@actions/expressions/ast"),
    import("@actions/expressions/data/index"),
    import("@actions/expressions/evaluator"),
    import("@actions/expressions/funcs"),
    import("@actions/expressions/lexer"),
    import("@actions/expressions/parser"),
  ]);
  return { ast, data, ...evaluator, ...functions, ...lexer, ...parser };
}

export type EvaluationPackage = Awaited<ReturnType<typeof importEvaluation>>;

let evaluation: EvaluationPackage | undefined;

/** Must have been awaited once before anything is evaluated: evaluation itself is synchronous. */
export async function loadExpressions(): Promise<void> {
  evaluation ??= await importEvaluation();
}

export function evaluationPackage(): EvaluationPackage {
  if (evaluation === undefined) {
    throw new SignalboxError("INTERNAL", "An expression was evaluated before loadExpressions() had ended.");
  }
  return evaluation;
}

let jsonImportsAllowed = false;

/** The parser imports its schemas without an import attribute. Bundles have them inlined; sources under Node need this. */
function allowJsonImports(): void {
  if (jsonImportsAllowed || !import.meta.url.endsWith(".ts")) return;
  jsonImportsAllowed = true;
  registerHooks({
    load: (url, context, next) =>
      url.endsWith(".min.json") && url.includes("/@actions/workflow-parser/")
        ? next(url, { ...context, importAttributes: { ...context.importAttributes, type: "json" } })
        : next(url, context),
  });
}

async function importParsing() {
  const [templateReader, templateContext, tokens, tokenTypes, features, yaml] = await Promise.all([
    import("@actions/workflow-parser/templates/template-reader"),
    import("@actions/workflow-parser/templates/template-context"),
    import("@actions/workflow-parser/templates/tokens/index"),
    import("@actions/workflow-parser/templates/tokens/types"),
    import("@actions/expressions/features"),
    import("yaml"),
  ]);
  return { ...templateReader, ...templateContext, ...tokens, ...tokenTypes, ...features, yaml };
}

export type ParsingPackage = Awaited<ReturnType<typeof importParsing>>;

export async function loadParsing(): Promise<ParsingPackage> {
  const [parsing] = await Promise.all([importParsing(), loadExpressions()]);
  return parsing;
}

export async function loadWorkflowSchema() {
  allowJsonImports();
  const { getWorkflowSchema } = await import("@actions/workflow-parser/workflows/workflow-schema");
  return getWorkflowSchema();
}

export async function loadActionSchema() {
  allowJsonImports();
  const { getActionSchema } = await import("@actions/workflow-parser/actions/action-schema");
  return getActionSchema();
}
