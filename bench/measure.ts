// Measuring on a noisy machine: subject and baseline take turns within one run, samples last at least a second, and a
// figure is the median of the ratios of neighbouring samples.

/** What one round of work did, and how long the part that counts took: set-up and clean-up do not. */
export interface Done {
  readonly units: number;
  readonly seconds: number;
}

/** Runs the work once; throws if a result is wrong. */
export type Work = () => Promise<Done> | Done;

/** Times what counts. */
export async function timed(units: number, work: () => Promise<void> | void): Promise<Done> {
  const started = performance.now();
  await work();
  return { units, seconds: (performance.now() - started) / 1_000 };
}

export interface Comparison {
  /** Median of (subject's seconds per unit) / (baseline's seconds per unit). */
  readonly ratio: number;
  readonly subjectPerSecond: number;
  readonly baselinePerSecond: number;
}

export interface Figure {
  readonly name: string;
  /** What the ratio compares. */
  readonly against: string;
  readonly value: number;
  readonly limit: { readonly atMost: number } | { readonly atLeast: number } | undefined;
  readonly unit: string;
  readonly detail: string;
}

export interface Options {
  readonly rounds?: number;
  readonly sampleMs?: number;
}

/** Compares seconds per unit; below 1 the subject is faster than the baseline. */
export async function compare(subject: Work, baseline: Work, { rounds = 5, sampleMs = 1_000 }: Options = {}): Promise<Comparison> {
  await subject();
  await baseline();
  const pairs: { readonly subject: number; readonly baseline: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    // The order alternates, so that drift in one direction favours neither.
    const first = round % 2 === 0 ? await sample(subject, sampleMs) : await sample(baseline, sampleMs);
    const second = round % 2 === 0 ? await sample(baseline, sampleMs) : await sample(subject, sampleMs);
    pairs.push(round % 2 === 0 ? { subject: first, baseline: second } : { subject: second, baseline: first });
  }
  return {
    ratio: median(pairs.map((pair) => pair.subject / pair.baseline)),
    subjectPerSecond: 1 / median(pairs.map((pair) => pair.subject)),
    baselinePerSecond: 1 / median(pairs.map((pair) => pair.baseline)),
  };
}

/** Seconds per unit over at least `sampleMs` of what counts. */
async function sample(work: Work, sampleMs: number): Promise<number> {
  let units = 0;
  let seconds = 0;
  do {
    const done = await work();
    units += done.units;
    seconds += done.seconds;
  } while (seconds * 1_000 < sampleMs);
  return seconds / units;
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error("no samples");
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function isWithin({ value, limit }: Figure): boolean {
  if (limit === undefined) return true;
  return "atMost" in limit ? value <= limit.atMost : value >= limit.atLeast;
}
