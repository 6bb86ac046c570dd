import type { EvaluationScope } from "../../expressions/evaluate-expression.ts";
import { evaluateTemplate, scalarText } from "../../expressions/evaluate-template.ts";
import type { JsonValue } from "../../model/payload.ts";
import type { TemplateToken } from "../../model/template.ts";

/** What this machine is, as labels see it: `process.platform` and `process.arch`. */
export interface Machine {
  readonly platform: string;
  readonly arch: string;
}

/** The labels that a job asks for: one, a list, or those of `{ group, labels }`. */
export function runsOnLabels(token: TemplateToken, scope: EvaluationScope): readonly string[] {
  return labelsOf(evaluateTemplate(token, scope), token);
}

function labelsOf(value: JsonValue, token: TemplateToken): readonly string[] {
  if (Array.isArray(value)) return value.map((label: JsonValue) => scalarText(label, token.at));
  if (typeof value === "object" && value !== null) return "labels" in value ? labelsOf(value["labels"] ?? null, token) : [];
  const label = scalarText(value, token.at);
  return label === "" ? [] : [label];
}

const SYSTEMS = [
  { platform: "win32", name: "Windows", pattern: /^(windows|win)\b/ },
  { platform: "darwin", name: "macOS", pattern: /^(macos|osx|mac)\b/ },
  { platform: "linux", name: "Linux", pattern: /^(linux|ubuntu|debian|fedora|alpine|centos|rhel)\b/ },
] as const;

/** The parts of a label that name a processor: `arm64`, `ubuntu-24.04-arm`. */
const PROCESSORS = [
  { arch: "arm64", pattern: /(^|-)(arm64|aarch64|arm)$/ },
  { arch: "x64", pattern: /(^|-)(x64|amd64|x86_64|intel)$/ },
] as const;

/** Why the machine cannot be what the label says. Labels that name neither system nor processor fit every machine. */
export function labelProblem(label: string, machine: Machine): string | undefined {
  const folded = label.toLowerCase();
  const system = SYSTEMS.find(({ pattern }) => pattern.test(folded));
  const here = SYSTEMS.find(({ platform }) => platform === machine.platform)?.name ?? machine.platform;
  if (system !== undefined && system.platform !== machine.platform) {
    return `The job runs on '${label}', which is ${system.name}; this machine is ${here}.`;
  }
  const processor = PROCESSORS.find(({ pattern }) => pattern.test(folded));
  // GitHub's macOS images are arm64 by default and say so only sometimes; a processor counts where the label names it.
  if (processor !== undefined && processor.arch !== machine.arch) {
    return `The job runs on '${label}', a machine with ${processor.arch}; this machine has ${machine.arch}.`;
  }
  return undefined;
}
