// A plan in words: names as they will be shown where they are literal, and as the file has them where they are not.

import type { ConditionPlan, JobPlan, StepPlan } from "../../model/plan.ts";
import type { TemplateToken } from "../../model/template.ts";
import { templateText } from "../../model/template-text.ts";
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
    conditionNote(job.if),
    job.kind === "steps" && job.container !== undefined ? "container" : "",
  ];
  const name = titleOf(job.name);
  return { title: name === undefined || name === job.id ? job.id : `${job.id} (${name})`, note: joined(notes) };
}

export function stepTitle(step: StepPlan): { readonly title: string; readonly note: string } {
  const id = step.id === undefined ? "" : `id ${step.id}`;
  switch (step.kind) {
    case "run":
    case "uses": {
      const work = step.kind === "run" ? firstLine(titleOf(step.run) ?? "") : step.uses;
      const title = titleOf(step.name) ?? `Run ${work}`;
      const background = step.background && step.group === undefined ? "background" : "";
      return { title: plainText(title), note: joined([step.kind, background, id, conditionNote(step.if)]) };
    }
    case "wait":
      return { title: titleOf(step.name) ?? "Wait", note: joined(["wait", `for ${step.targets.join(", ")}`, id]) };
    case "wait-all": {
      const title = step.implicit ? "Wait for all background steps" : "Wait for all";
      return { title: titleOf(step.name) ?? title, note: joined(["wait-all", step.implicit ? "implicit" : "", id]) };
    }
    case "cancel":
      return { title: titleOf(step.name) ?? "Cancel", note: joined(["cancel", `of ${step.target}`, id]) };
    case "parallel":
      return {
        title: titleOf(step.name) ?? "Parallel group",
        note: joined(["parallel", `waits for ${step.members.length} steps`, id]),
      };
    default:
      return step satisfies never;
  }
}

const titleOf = (token: TemplateToken | undefined): string | undefined => {
  const text = templateText(token);
  return text === undefined ? undefined : plainText(firstLine(text));
};

/** As the person wrote it: without the `success()` that is implied. */
function conditionNote(condition: ConditionPlan | undefined): string {
  if (condition === undefined || condition.expression === "success()") return "";
  const own = condition.isDefault ? condition.expression.replace(/^success\(\) && \((.*)\)$/s, "$1") : condition.expression;
  return `if ${plainText(own)}`;
}

function firstLine(text: string): string {
  return text.trimStart().split("\n", 1)[0] ?? "";
}

function joined(notes: readonly string[]): string {
  return notes.filter((note) => note !== "").join(", ");
}
