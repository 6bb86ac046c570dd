// B15: what the job's actions want to have run before its first step. Known of actions that a folder gives, those inside
// their composite actions included; a local action's file is there only after a checkout, so that its `pre` is not run.

import type { RegisteredPre } from "../../model/host-port.ts";
import type { HostedJob } from "../job/hosted-job.ts";
import { type ActionUse, DEEPEST_ACTION, isCheckout, isLocal, type LoadedAction, loadAction } from "./load-action.ts";

export async function findPreSteps(job: HostedJob): Promise<readonly RegisteredPre[]> {
  const found: RegisteredPre[] = [];
  for (const { kind, key, ...step } of job.steps.values()) {
    if (kind === "uses" && "uses" in step) found.push(...(await presOf(job, { uses: step.uses, step: key, place: [] })));
  }
  return found;
}

async function presOf(job: HostedJob, use: ActionUse): Promise<readonly RegisteredPre[]> {
  const { uses, step, place } = use;
  const runs = (await loadNow(job, use))?.definition.runs;
  if (runs?.using === "composite") {
    const found: RegisteredPre[] = [];
    for (const [index, inner] of runs.steps.entries()) {
      if (inner.kind === "uses") found.push(...(await presOf(job, { uses: inner.uses, step, place: [...place, index] })));
    }
    return found;
  }
  const isNode = runs?.using === "node20" || runs?.using === "node24";
  if (!isNode || runs.pre === undefined) return [];
  return [{ main: step, name: `Pre Run ${uses}`, condition: runs.preIf, place }];
}

/** Undefined: it is none, or it cannot be loaded, which its step says itself when it runs (B6). */
async function loadNow(job: HostedJob, use: ActionUse): Promise<LoadedAction | undefined> {
  if (isLocal(use.uses) || isCheckout(use.uses, job.request.actionFolders) || use.place.length >= DEEPEST_ACTION) return undefined;
  try {
    return await loadAction(use, job);
  } catch {
    return undefined;
  }
}
