import { type EvaluationScope, HashesNeeded } from "./evaluate-expression.ts";

export interface TakenHash {
  readonly patterns: readonly string[];
  readonly hash: string;
}

export interface HashedEvaluation<T> {
  readonly value: T;
  /** Every hash that the evaluation read, recorded ones first: given back, they make it the same again. */
  readonly hashes: readonly TakenHash[];
}

/**
 * Evaluation is synchronous and files are not: an expression that needs a hash that nobody has yet is put off, the hash
 * is taken, and everything is evaluated again. `evaluate` must therefore be free of effects.
 */
export async function evaluateWithHashes<T>(
  evaluate: (hashFiles: NonNullable<EvaluationScope["hashFiles"]>) => T,
  hash: (patterns: readonly string[]) => Promise<string>,
  recorded: readonly TakenHash[] = [],
): Promise<HashedEvaluation<T>> {
  const hashes = [...recorded];
  const known = new Map(hashes.map((entry) => [JSON.stringify(entry.patterns), entry.hash]));
  for (;;) {
    try {
      const value = evaluate((patterns) => {
        const result = known.get(JSON.stringify(patterns));
        if (result === undefined) throw new HashesNeeded(patterns);
        return result;
      });
      return { value, hashes };
    } catch (error) {
      if (!(error instanceof HashesNeeded)) throw error;
      const result = await hash(error.patterns);
      known.set(JSON.stringify(error.patterns), result);
      hashes.push({ patterns: error.patterns, hash: result });
    }
  }
}
