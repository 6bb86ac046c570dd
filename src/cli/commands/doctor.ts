// `signalbox doctor`: can this machine run workflows, and what to do where it cannot. Each check is one line.

import type { CommandContext } from "../command-context.ts";
import { CHECKS } from "../doctor/checks.ts";
import type { Finding } from "../doctor/finding.ts";
import { EXIT } from "../exit-codes.ts";
import { markOf, type Style, styleFor } from "../render/style.ts";
import { textWidth } from "../render/text-width.ts";
import { sessionEnvironment } from "../workflow-file/repository.ts";

export async function doctor(options: { readonly state?: string; readonly json?: boolean }, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const session = sessionEnvironment(context, options.state);
  const findings = await Promise.all(CHECKS.map(async (check) => check({ ...session, version: context.version })));
  if (options.json) terminal.write(`${JSON.stringify({ schemaVersion: 1, checks: findings }, null, 2)}\n`);
  else {
    const style = styleFor(terminal.hasColor);
    const width = Math.max(...findings.map(({ name }) => textWidth(name)));
    terminal.write(findings.map((finding) => `${findingLine(finding, width, style)}\n`).join(""));
  }
  return findings.some(({ level }) => level === "fail") ? EXIT.failed : EXIT.success;
}

function findingLine(finding: Finding, width: number, style: Style): string {
  const mark =
    finding.level === "warn"
      ? { text: "!", paint: style.yellow }
      : markOf("completed", finding.level === "ok" ? "success" : "failure", style);
  const advice = finding.advice === undefined ? "" : `\n${" ".repeat(width + 9)}${finding.advice}`;
  return `${mark.paint(`${mark.text} ${finding.level.padEnd(4)}`)} ${finding.name.padEnd(width)}  ${finding.found}${advice}`;
}
