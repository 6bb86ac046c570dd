// B15: what the job's actions want to have run before its first step. Known of actions that a folder gives, those inside
// their composite actions included; a local action's file is there only after a checkout, so that its `pre` is not run.

import { SignalboxError } from "../../model/errors.ts";
import type { RegisteredPre } from "../../model/host-port.ts";
import type { StepPlan } from "../../model/plan.ts";
import { type ActionHome, type ActionUse, DEEPEST_ACTION, isCheckout, isLocal, type LoadedAction, loadAction } from "./load-action.ts";

/** Actions below one step: composite actions that use each other many times would otherwise be looked into without end. */
const MOST_ACTIONS = 1_000;

export async function findPreSteps(home: ActionHome, steps: Iterable<StepPlan>): Promise<readonly RegisteredPre[]> {
  const found: RegisteredPre[] = [];
  for (const step of steps) if (step.kind === "uses") found.push(...(await new PreSearch(home, step.uses).below(step.key)));
  return found;
}

class PreSearch {
  readonly #home: ActionHome;
  readonly #uses: string;
  #seen = 0;

  constructor(home: ActionHome, uses: string) {
    this.#home = home;
    this.#uses = uses;
  }

  below(step: string): Promise<readonly RegisteredPre[]> {
    return this.#find({ uses: this.#uses, step, place: [] });
  }

  async #find(use: ActionUse): Promise<readonly RegisteredPre[]> {
    const runs = (await this.#load(use))?.definition.runs;
    if (runs?.using === "composite") {
      const found: RegisteredPre[] = [];
      for (const [index, inner] of runs.steps.entries()) {
        if (inner.kind === "uses") found.push(...(await this.#find({ ...use, uses: inner.uses, place: [...use.place, index] })));
      }
      return found;
    }
    const isNode = runs?.using === "node20" || runs?.using === "node24";
    if (!isNode || runs.pre === undefined) return [];
    return [{ main: use.step, name: `Pre Run ${use.uses}`, condition: runs.preIf, place: use.place }];
  }

  /** Undefined: it is none, or it cannot be loaded, which its step says itself when it runs (B6). */
  async #load(use: ActionUse): Promise<LoadedAction | undefined> {
    if (isLocal(use.uses) || isCheckout(use.uses, this.#home.request.actionFolders)) return undefined;
    this.#seen += 1;
    if (use.place.length >= DEEPEST_ACTION)
      throw new SignalboxError(
        "INVALID_WORKFLOW",
        `Composite action depth exceeded max depth ${DEEPEST_ACTION}: '${use.uses}' below '${this.#uses}'.`,
      );
    if (this.#seen > MOST_ACTIONS)
      throw new SignalboxError(
        "LIMIT_EXCEEDED",
        `The action '${this.#uses}' uses more than ${MOST_ACTIONS} actions, counting those inside others.`,
      );
    try {
      return await loadAction(use, this.#home);
    } catch {
      return undefined;
    }
  }
}
