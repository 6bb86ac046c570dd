// What a run recorded, for tests.

import { SignalboxError } from "../../model/errors.ts";
import type { WorkflowPlan } from "../../model/plan.ts";
import type { RunInputs } from "../../model/run-view.ts";
import type { RunRecords } from "./ports.ts";

export const RUN_ID = "run-1";
export const PLAN = "plan-1";

export interface FakeRecords {
  readonly plans: { readonly [hash: string]: WorkflowPlan };
  readonly options?: Partial<RunInputs["options"]>;
  readonly baseEnvironment?: RunInputs["baseEnvironment"];
}

export function fakeRecords({ plans, options = {}, baseEnvironment = {} }: FakeRecords): RunRecords {
  const inputs: RunInputs = {
    event: "push",
    eventPayload: {},
    inputs: {},
    vars: {},
    secrets: [],
    baseEnvironment,
    options: {
      maxJobs: 4,
      maxBackground: 10,
      inPlace: false,
      unsupported: "fail",
      onInterrupt: "rerun",
      actionFolders: {},
      ...options,
    },
  };
  return {
    run: (runId) => ({ runId, name: "test", inputs, contexts: { github: { event_name: "push" }, vars: {} } }),
    plan(hash) {
      const plan = plans[hash];
      if (plan === undefined) throw new SignalboxError("NOT_FOUND", `there is no plan ${hash}`);
      return plan;
    },
  };
}
