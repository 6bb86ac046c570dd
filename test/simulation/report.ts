import type { Report } from "./simulate.ts";

/** All that a person needs to see a failure again: the seed, what it drew, and what happened. */
export function reportOf(report: Report, finding: string): string {
  return [
    `Seed ${report.seed}: ${finding}`,
    `Run it alone: SIGNALBOX_SEED=${report.seed} npx vitest run test/simulation/simulation.test.ts`,
    `Weather: ${JSON.stringify(report.weather)}`,
    `Programs: ${JSON.stringify(report.plan, null, 1)}`,
    `Drawn: ${report.drawn.join(", ")}`,
    `Trace:\n${report.trace.join("\n")}`,
  ].join("\n\n");
}
