// The main steps of a job in the order in which it walks them: a parallel group is its opening, its members, and a join.

import type { CancelStepPlan, ParallelStepPlan, StepPlan, WaitAllStepPlan, WaitStepPlan, WorkStepPlan } from "../../../model/plan.ts";

export type JoinStepPlan = WaitStepPlan | WaitAllStepPlan | ParallelStepPlan;

export type MainItem =
  | { readonly kind: "work"; readonly step: WorkStepPlan }
  | { readonly kind: "group"; readonly step: ParallelStepPlan }
  | { readonly kind: "join"; readonly step: JoinStepPlan }
  | { readonly kind: "cancel"; readonly step: CancelStepPlan };

export function mainItems(steps: readonly StepPlan[]): MainItem[] {
  return steps.flatMap((step): MainItem[] => {
    switch (step.kind) {
      case "run":
      case "uses":
        return [{ kind: "work", step }];
      case "wait":
      case "wait-all":
        return [{ kind: "join", step }];
      case "cancel":
        return [{ kind: "cancel", step }];
      case "parallel":
        return [
          { kind: "group", step },
          ...step.members.map((member): MainItem => ({ kind: "work", step: member })),
          { kind: "join", step },
        ];
      default:
        return step satisfies never;
    }
  });
}

export type ControlStepPlan = JoinStepPlan | CancelStepPlan;
