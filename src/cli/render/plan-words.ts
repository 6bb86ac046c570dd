// A plan in words: names as they will be shown where they are literal, and as the file has them where they are not.

import type { JobPlan, StepPlan } from "../../model/plan.ts";
import type { TemplateToken } from "../../model/template.ts";
import { plainText } from "./safe-text.ts";

export interface PlannedJob {
  readonly title: string;
  readonly note: string;
}

/** `cells`: labels of its matrix; none without a matrix, undefined where they are not known yet. */
export function plannedJob(job: JobPlan, cells: readonly string[] | undefined): PlannedJob {
  const notes = [
    job.kind === "call" ? `calls ${plainText(job.uses)}` : "",
    job.needs.length === 0 ? "" : `needs ${job.needs.join(", ")}`,
    cells === undefined
      ? "matrix known when it is reached"
      : cells.length === 0
        ? ""
        : `${cells.length} of (${cells.map(plainText).join("), (")})`,
    job.if === undefined || job.if.isDefault ? "" : `if ${plainText(job.if.expression)}`,
    job.kind === "steps" && job.container !== undefined ? "container" : "",
  ];
  const name = templateText(job.name);
  return { title: name === undefined || name === job.id ? job.id : `${job.id} (${name})`, note: joined(notes) };
}

export function stepTitle(step: StepPlan): { readonly title: string; readonly note: string } {
  const id = step.id === undefined ? "" : `id ${step.id}`;
  switch (step.kind) {
    case "run":
    case "uses": {
      const work = step.kind === "run" ? firstLine(templateText(step.run) ?? "") : step.uses;
      const title = templateText(step.name) ?? `Run ${work}`;
      const condition = step.if.isDefault ? "" : `if ${plainText(step.if.expression)}`;
      const background = step.background && step.group === undefined ? "background" : "";
      return { title: plainText(title), note: joined([step.kind, background, id, condition]) };
    }
    case "wait":
      return { title: templateText(step.name) ?? "Wait", note: joined(["wait", `for ${step.targets.join(", ")}`, id]) };
    case "wait-all": {
      const title = step.implicit ? "Wait for all background steps" : "Wait for all";
      return { title: templateText(step.name) ?? title, note: joined(["wait-all", step.implicit ? "implicit" : "", id]) };
    }
    case "cancel":
      return { title: templateText(step.name) ?? "Cancel", note: joined(["cancel", `of ${step.target}`, id]) };
    case "parallel":
      return {
        title: templateText(step.name) ?? "Parallel group",
        note: joined(["parallel", `waits for ${step.members.length} steps`, id]),
      };
    default:
      return step satisfies never;
  }
}

function templateText(token: TemplateToken | undefined): string | undefined {
  switch (token?.kind) {
    case "string":
      return plainText(firstLine(token.value));
    case "number":
    case "boolean":
      return String(token.value);
    case "expression":
      return plainText(asWritten(token.expression));
    default:
      return undefined;
  }
}

/** A text with expressions in it was made one expression by the parser: `format('a {0}', b)` is `a ${{ b }}` again. */
function asWritten(expression: string): string {
  const [, format, rest] = /^format\('((?:[^']|'')*)', ([^'()]*)\)$/.exec(expression) ?? [];
  if (format === undefined || rest === undefined) return `\${{ ${expression} }}`;
  const values = rest.split(", ");
  return format.replaceAll("''", "'").replace(/\{(\d+)\}/g, (_, index: string) => `\${{ ${values[Number(index)] ?? ""} }}`);
}

function firstLine(text: string): string {
  return text.trimStart().split("\n", 1)[0] ?? "";
}

function joined(notes: readonly string[]): string {
  return notes.filter((note) => note !== "").join(", ");
}
