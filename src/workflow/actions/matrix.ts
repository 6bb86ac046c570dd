// GitHub's matrix: the product of the lists, the first key varying slowest; then `exclude`; then `include`, whose entries
// extend every original combination that they do not contradict, and stand for themselves where there is none.

import { type EvaluationScope } from "../../expressions/evaluate-expression.ts";
import { evaluateTemplate, looselyEqual, scalarText } from "../../expressions/evaluate-template.ts";
import { EvaluationError } from "../../expressions/evaluation-error.ts";
import type { JsonValue } from "../../model/payload.ts";
import type { TemplateToken } from "../../model/template.ts";

export interface MatrixCell {
  readonly values: { readonly [key: string]: JsonValue };
  /** What stands in brackets after the job's name: `20, linux`. */
  readonly label: string;
}

type Combination = { readonly [key: string]: JsonValue };

const LABEL_LENGTH = 100;

/** One cell without values for a job without a matrix. */
export function expandMatrix(matrix: TemplateToken | undefined, scope: EvaluationScope): readonly MatrixCell[] {
  if (matrix === undefined) return [{ values: {}, label: "" }];
  const refuse = (message: string) => new EvaluationError(message, { at: matrix.at });
  const value = evaluateTemplate(matrix, scope);
  if (!isObject(value)) throw refuse("The matrix must be a mapping of lists. Does the expression that makes it have a value?");

  const vectors: [string, readonly JsonValue[]][] = [];
  let include: readonly Combination[] = [];
  let exclude: readonly Combination[] = [];
  for (const [key, list] of Object.entries(value)) {
    if (key === "include") include = combinationsOf(key, list, refuse);
    else if (key === "exclude") exclude = combinationsOf(key, list, refuse);
    else if (!Array.isArray(list)) throw refuse(`The matrix key '${key}' must be a list.`);
    else if (list.length === 0) throw refuse(`Matrix vector '${key}' does not contain any values`);
    else vectors.push([key, list]);
  }
  for (const unknown of exclude.flatMap((entry) => Object.keys(entry))) {
    if (!vectors.some(([key]) => key === unknown)) {
      throw refuse(`Matrix exclude key '${unknown}' does not match any key within the matrix`);
    }
  }
  const originals = product(vectors).filter((combination) => !exclude.some((entry) => matches(entry, combination)));
  const combinations = withIncluded(originals, include);
  if (combinations.length === 0) throw refuse("The matrix has no combinations.");
  return combinations.map((values) => ({ values, label: labelOf(values) }));
}

function product(vectors: readonly [string, readonly JsonValue[]][]): Combination[] {
  if (vectors.length === 0) return [];
  let combinations: Combination[] = [{}];
  for (const [key, list] of vectors) {
    combinations = combinations.flatMap((combination) => list.map((value) => ({ ...combination, [key]: value })));
  }
  return combinations;
}

function withIncluded(originals: readonly Combination[], include: readonly Combination[]): readonly Combination[] {
  const extended = [...originals];
  const own: Combination[] = [];
  for (const entry of include) {
    let fits = false;
    for (const [index, original] of originals.entries()) {
      // What an earlier include added may be replaced; an original value may not.
      if (!Object.entries(entry).every(([key, value]) => !Object.hasOwn(original, key) || deepEqual(original[key] ?? null, value)))
        continue;
      extended[index] = { ...extended[index], ...entry };
      fits = true;
    }
    if (!fits) own.push(entry);
  }
  return [...extended, ...own];
}

function matches(entry: Combination, combination: Combination): boolean {
  return Object.entries(entry).every(([key, value]) => deepEqual(combination[key] ?? null, value));
}

function deepEqual(a: JsonValue, b: JsonValue): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => deepEqual(item, b[index] ?? null));
  }
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && deepEqual(a[key] ?? null, b[key] ?? null));
  }
  return looselyEqual(a, b);
}

function combinationsOf(key: string, list: JsonValue, refuse: (message: string) => Error): readonly Combination[] {
  if (list === null) return [];
  if (!Array.isArray(list)) throw refuse(`'${key}' of the matrix must be a list of mappings.`);
  return list.map((entry: JsonValue) => {
    if (!isObject(entry)) throw refuse(`'${key}' of the matrix must be a list of mappings.`);
    return entry;
  });
}

/** Every scalar of the cell, objects walked through, as GitHub shows them. */
function labelOf(values: JsonValue): string {
  const label = scalarsOf(values)
    .filter((text) => text !== "")
    .join(", ");
  return label.length > LABEL_LENGTH ? `${label.slice(0, LABEL_LENGTH - 3)}...` : label;
}

function scalarsOf(value: JsonValue): readonly string[] {
  if (typeof value !== "object" || value === null) return [scalarText(value)];
  return Object.values(value).flatMap(scalarsOf);
}

function isObject(value: JsonValue): value is Combination {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
