// Problem matchers of a job, and the running matches of one channel of a step. A matcher that a step adds holds at once,
// also for steps that run beside it (B4); what has matched so far belongs to the channel alone (B19).

import { MATCHER_PROPERTIES, type MatcherConfig, type MatcherProperty } from "./matcher-file.ts";

export interface ProblemMatch extends Partial<Record<MatcherProperty, string>> {}

/** The job's matchers, the latest first. */
export class ProblemMatchers {
  #configs: readonly MatcherConfig[] = [];

  get configs(): readonly MatcherConfig[] {
    return this.#configs;
  }

  /** Replaces the matcher of the same owner. */
  add(config: MatcherConfig): void {
    this.remove(config.owner);
    this.#configs = [config, ...this.#configs];
  }

  remove(owner: string): void {
    const name = owner.toLowerCase();
    this.#configs = this.#configs.filter((config) => config.owner.toLowerCase() !== name);
  }
}

/** Lines are matched up to this length: an expression's time may grow with a power of it. */
const MATCHED_LENGTH = 16 * 1024;
// oxlint-disable-next-line no-control-regex -- an escape sequence begins with a control character
const COLORS = /\u001b\[[0-9;]*m?/g;

export function stripColors(line: string): string {
  return line.includes("\u001b[") ? line.replace(COLORS, "") : line;
}

/** Follows one stream of lines. */
export class ProblemScanner {
  readonly #matchers: ProblemMatchers;
  #known: readonly MatcherConfig[] = [];
  #running = new Map<MatcherConfig, RunningMatch>();

  constructor(matchers: ProblemMatchers) {
    this.#matchers = matchers;
  }

  get isActive(): boolean {
    return this.#matchers.configs.length > 0;
  }

  /** `line` without colors. The first matcher that has a whole match wins; the others begin anew. */
  match(line: string): ProblemMatch | undefined {
    this.#refresh();
    if (line.length > MATCHED_LENGTH) return undefined;
    for (const running of this.#running.values()) {
      const match = running.advance(line);
      if (match === undefined) continue;
      for (const other of this.#running.values()) if (other !== running) other.reset();
      return match;
    }
    return undefined;
  }

  #refresh(): void {
    if (this.#known === this.#matchers.configs) return;
    this.#known = this.#matchers.configs;
    this.#running = new Map(this.#known.map((config) => [config, this.#running.get(config) ?? new RunningMatch(config)]));
  }
}

class RunningMatch {
  readonly #config: MatcherConfig;
  /** What the pattern at each index but the last has matched, joined with what those before it matched. */
  #found: (ProblemMatch | undefined)[] = [];

  constructor(config: MatcherConfig) {
    this.#config = config;
  }

  reset(): void {
    this.#found = [];
  }

  /** From the last pattern to the first, so that a line serves one pattern of a running match. */
  advance(line: string): ProblemMatch | undefined {
    const { patterns, severity } = this.#config;
    const last = patterns.length - 1;
    for (let index = last; index >= 0; index--) {
      const before = index > 0 ? this.#found[index - 1] : {};
      const pattern = patterns[index];
      if (before === undefined || pattern === undefined) continue;
      const groups = pattern.regexp.exec(line);
      if (groups === null) {
        if (last > 0) this.#found[index === last ? index - 1 : index] = undefined;
        continue;
      }
      const match: ProblemMatch = { ...before };
      for (const property of MATCHER_PROPERTIES) {
        const group = pattern.groups[property];
        if (match[property] === undefined && group !== undefined) match[property] = groups[group] ?? "";
      }
      if (index < last) {
        this.#found[index] = match;
        continue;
      }
      this.#found = [];
      if (pattern.loop) this.#found[index - 1] = before;
      return match.severity ? match : { ...match, severity };
    }
    return undefined;
  }
}
