import { runStepName } from "../../model/run-step-name.ts";
import { templateText } from "../../model/template-text.ts";
import type { HostedJob } from "./hosted-job.ts";

/** Keys of the steps whose name must not be shown as the file has it. */
export function maskedNames({ steps, masker }: Pick<HostedJob, "steps" | "masker">): readonly string[] {
  return [...steps.values()].flatMap((step) => {
    if (step.kind !== "run") return [];
    const name = templateText(step.name) || runStepName(templateText(step.run) ?? "");
    return masker.wouldMask(name) ? [step.key] : [];
  });
}
