// The official packages, loaded on first use: they cost more than the rest of the command's start. Everything else in
// this folder gets them from here, so nothing outside ever waits for them without need.

import { registerHooks } from "node:module";
import { SignalboxError } from "../model/errors.ts";

export type EvaluationPackage = typeof import("./evaluation-package.ts");
export type ParsingPackage = typeof import("./parsing-package.ts");

let evaluation: EvaluationPackage | undefined;

/** Must have been awaited once before anything is evaluated: evaluation itself is synchronous. */
export async function loadExpressions(): Promise<void> {
  evaluation ??= await import("./evaluation-package.ts");
}

export function evaluationPackage(): EvaluationPackage {
  if (evaluation === undefined) {
    throw new SignalboxError("INTERNAL", "An expression was evaluated before loadExpressions() had ended.");
  }
  return evaluation;
}

export async function loadParsing(): Promise<ParsingPackage> {
  allowJsonImports();
  const [parsing] = await Promise.all([import("./parsing-package.ts"), loadExpressions()]);
  return parsing;
}

export async function loadActionSchema() {
  allowJsonImports();
  const { getActionSchema } = await import("@actions/workflow-parser/actions/action-schema");
  return getActionSchema();
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
