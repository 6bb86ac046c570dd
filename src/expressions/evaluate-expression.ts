import type { Dictionary, ExpressionData } from "@actions/expressions/data/index";
import type { FunctionDefinition } from "@actions/expressions/funcs/info";
import type { JsonValue } from "../model/payload.ts";
import type { SourcePosition } from "../model/template.ts";
import { EvaluationError } from "./evaluation-error.ts";
import { dataFactory } from "./expression-data.ts";
import { evaluationPackage } from "./official-packages.ts";
import { parseExpression } from "./parse-expression.ts";

/** What an expression can see. Everything is given; nothing is looked up elsewhere. */
export interface EvaluationScope {
  /** By name, or asked for by name when an expression reads it; a context that is absent reads as null. */
  readonly contexts: { readonly [name: string]: JsonValue | undefined } | ((name: string) => JsonValue | undefined);
  readonly status?: StatusFunctions;
  /** See `evaluateWithHashes` for files that have to be read first. */
  readonly hashFiles?: (patterns: readonly string[]) => string;
}

/** The arguments are the names that `success('a', 'b')` gives, in a job's condition. */
export interface StatusFunctions {
  readonly success: (...names: readonly string[]) => boolean;
  readonly failure: (...names: readonly string[]) => boolean;
  readonly cancelled: () => boolean;
}

export function evaluateExpression(expression: string, scope: EvaluationScope, at?: SourcePosition): ExpressionData {
  const tree = parseExpression(expression);
  const { Evaluator } = evaluationPackage();
  lazyContexts ??= defineContexts();
  try {
    return new Evaluator(tree, lazyContexts(scope), functionsFor(scope)).evaluate();
  } catch (error) {
    if (error instanceof EvaluationError || error instanceof HashesNeeded) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new EvaluationError(`${reason} (in \${{ ${expression} }})`, { at, expression }, error);
  }
}

let lazyContexts: ((scope: EvaluationScope) => Dictionary) | undefined;

/** The evaluator asks its contexts for a name and nothing else. */
function defineContexts(): (scope: EvaluationScope) => Dictionary {
  const { data } = evaluationPackage();
  const { fromJson, fromEnvironment } = dataFactory();
  class LazyContexts extends data.Dictionary {
    readonly #scope: EvaluationScope;
    readonly #seen = new Map<string, ExpressionData>();
    constructor(scope: EvaluationScope) {
      super();
      this.#scope = scope;
    }
    override get(key: string): ExpressionData {
      const scope = this.#scope;
      const name = key.toLowerCase();
      let value = this.#seen.get(name);
      if (value === undefined) {
        const json = (typeof scope.contexts === "function" ? scope.contexts(name) : scope.contexts[name]) ?? null;
        value = name === "env" ? fromEnvironment(json) : fromJson(json);
        this.#seen.set(name, value);
      }
      return value;
    }
  }
  return (scope) => new LazyContexts(scope);
}

function functionsFor(scope: EvaluationScope): Map<string, FunctionDefinition> {
  const { data } = evaluationPackage();
  const boolean = (value: boolean) => new data.BooleanData(value);
  const { status, hashFiles } = scope;
  const functions = new Map(sharedFunctions());
  const define = (name: string, call: FunctionDefinition["call"]) =>
    functions.set(name.toLowerCase(), { name, minArgs: 0, maxArgs: Number.MAX_SAFE_INTEGER, call });
  define("always", () => boolean(true));
  define("success", status ? (...names) => boolean(status.success(...texts(names))) : unavailable("success"));
  define("failure", status ? (...names) => boolean(status.failure(...texts(names))) : unavailable("failure"));
  define("cancelled", status ? () => boolean(status.cancelled()) : unavailable("cancelled"));
  define("hashFiles", hashFiles ? (...patterns) => new data.StringData(hashFiles(texts(patterns))) : unavailable("hashFiles"));
  return functions;
}

function texts(values: readonly ExpressionData[]): string[] {
  return values.map((value) => dataFactory().exact(value).coerceString());
}

function unavailable(name: string): () => never {
  return () => {
    throw new Error(`The function '${name}' is not available here.`);
  };
}

let shared: ReadonlyMap<string, FunctionDefinition> | undefined;

/** The package's own functions, given numbers that know the runner's way to text, and `fromJSON` over our data. */
function sharedFunctions(): ReadonlyMap<string, FunctionDefinition> {
  if (shared === undefined) {
    const { wellKnownFunctions } = evaluationPackage();
    const { exact } = dataFactory();
    const functions = new Map<string, FunctionDefinition>();
    for (const [name, definition] of Object.entries(wellKnownFunctions)) {
      functions.set(name, { ...definition, call: (...args) => definition.call(...args.map(exact)) });
    }
    functions.set("fromjson", { name: "fromJSON", minArgs: 1, maxArgs: 1, call: (text) => parseJson(text?.coerceString() ?? "") });
    const { data } = evaluationPackage();
    functions.set("tojson", { name: "toJSON", minArgs: 1, maxArgs: 1, call: (value) => new data.StringData(prettyJson(value)) });
    shared = functions;
  }
  return shared;
}

function prettyJson(value: ExpressionData | undefined): string {
  return JSON.stringify(value === undefined ? null : dataFactory().toJson(value), null, 2);
}

function parseJson(text: string): ExpressionData {
  if (text.trim() === "") throw new Error("fromJSON was given an empty text. Does the output or variable that it reads have a value?");
  try {
    return dataFactory().fromJson(JSON.parse(text) as JsonValue); // JSON.parse gives JSON values only.
  } catch (error) {
    // The engine's own message quotes the text, and a piece of a secret passes every mask: only the place is told.
    const [, position] = /at position (\d+)/.exec(error instanceof Error ? error.message : "") ?? [];
    // oxlint-disable-next-line preserve-caught-error -- it would carry the text
    throw new Error(`fromJSON was given text that is not JSON${position === undefined ? "" : `, at character ${Number(position) + 1}`}.`);
  }
}

/** Thrown through the evaluator when files have to be read before it can go on. */
export class HashesNeeded extends Error {
  readonly patterns: readonly string[];
  constructor(patterns: readonly string[]) {
    super("Files have to be hashed first.");
    this.patterns = patterns;
  }
}
