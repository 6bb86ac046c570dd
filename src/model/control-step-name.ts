import type { StepPlan, WorkStepPlan } from "./plan.ts";

type ControlStepPlan = Exclude<StepPlan, WorkStepPlan>;

/** What a control step is called where its file gives it no name. */
export function controlStepName(step: ControlStepPlan): string {
  switch (step.kind) {
    case "wait":
      return "Wait";
    case "wait-all":
      return step.implicit ? "Wait for all background steps" : "Wait for all";
    case "cancel":
      return "Cancel";
    case "parallel":
      return "Parallel group";
    default:
      return step satisfies never;
  }
}
