// A client of the engine: it does what the plan says to one root instance, waits for its end, and asks again whatever it does
// not know to have happened. What it is told is checked against the ledger (E3).

import type { HubClient, StartOptions } from "../../src/loops/engine.ts";
import { DEFAULT_HUB } from "../../src/model/ids.ts";
import { isTerminal, type OrchestrationStatus } from "../../src/model/status.ts";
import type { Value } from "../../src/runtime/context.ts";
import type { Deliveries } from "./activities.ts";
import { type Asked, ask } from "./asking.ts";
import { PROGRAMS } from "./interpreter.ts";
import { e3AnswerFollowsCommit } from "./invariants.ts";
import type { Ledger } from "./ledger.ts";
import type { Machine } from "./machine.ts";
import type { ClientAct, Program, ProgramInput, Root, Step } from "./program.ts";
import type { OperationInput } from "./sim-entity.ts";
import type { Weather } from "./weather.ts";
import type { World } from "./world.ts";

const ANY_STATUS: readonly OrchestrationStatus[] = ["Pending", "Running", "Suspended", "Completed", "Failed", "Terminated"];
/** A broken instance is mended and rewound at most so often: each of its broken steps may be met alone. */
const MAX_REWINDS = 50;

export interface ClientOptions {
  readonly world: World;
  readonly machine: Machine;
  readonly ledger: Ledger;
  readonly deliveries: Deliveries;
  readonly weather: Weather;
}

export class Client {
  readonly #options: ClientOptions;
  readonly #root: Root;
  isDone = false;
  /** What it is doing, for a failure's report. */
  doing = "nothing yet";

  constructor(options: ClientOptions, root: Root) {
    this.#options = options;
    this.#root = root;
  }

  get root(): Root {
    return this.#root;
  }

  async run(): Promise<void> {
    const { world } = this.#options;
    const { startAfterMs, program, scheduledInMs, acts, replacement, isBroken, restart, purge, reuse, instanceId } = this.#root;
    await world.sleep(startAfterMs);
    const scheduled = scheduledInMs === undefined ? {} : { scheduledStartAt: new Date(world.wall + scheduledInMs) };
    await this.#start(program, instanceId, { ...scheduled, replaceable: [] });
    for (const act of acts) await this.#do(act);
    if (replacement !== undefined) {
      await world.sleep(replacement.afterMs);
      await this.#start(replacement.program, `${instanceId}*`, { replaceable: ANY_STATUS });
    }
    await this.#awaitEnd();
    if (isBroken) await this.#mend();
    if (restart !== "no") {
      await this.#ask("restart", (engine) => engine.restart(instanceId, { withNewId: restart === "new id" }), ["FAILED_PRECONDITION"]);
      await this.#awaitEnd();
    }
    if (reuse !== undefined) {
      await this.#start(reuse, `${instanceId}+`, {});
      await this.#awaitEnd();
    }
    if (purge !== "no") await this.#purge(purge === "recursive");
    this.isDone = true;
  }

  /** What has failed goes back to before its failure, until nothing in it is broken any more. */
  async #mend(): Promise<void> {
    const { world, ledger, deliveries } = this.#options;
    const { instanceId, program } = this.#root;
    for (const node of brokenNodes(program.steps)) deliveries.mended.add(node);
    for (let rewinds = 0; ledger.byId(instanceId)?.status !== "Completed"; rewinds++) {
      if (rewinds === MAX_REWINDS) return world.violate("E14", `"${instanceId}" has not completed after ${rewinds} rewinds`);
      const { value } = await this.#ask("rewind", (engine) => engine.rewind(instanceId).then(() => true), ["FAILED_PRECONDITION"]);
      if (value === true) world.check("E3", e3AnswerFollowsCommit(ledger, `rewind ${instanceId}`));
      // Until it takes its next turn it is still one that has failed.
      await world.sleep(500);
      await this.#awaitEnd();
    }
  }

  async #start(program: Program, path: string, options: StartOptions): Promise<void> {
    const { ledger } = this.#options;
    const { instanceId } = this.#root;
    const input: ProgramInput = { program, path, round: 0, results: [] };
    const token = `start ${instanceId} ${JSON.stringify(input)}`;
    await this.#ask(
      "start",
      async (engine, isRepeated) => {
        // A start that may have landed: the instance tells whose it is.
        if (isRepeated) {
          const found = await engine.get(instanceId);
          if (found !== undefined && JSON.stringify(found.input) === JSON.stringify(input)) return instanceId;
        }
        return await engine.start(PROGRAMS[program.where], input, { ...options, instanceId });
      },
      [],
    );
    this.#options.world.check("E3", e3AnswerFollowsCommit(ledger, token));
  }

  async #do({ afterMs, act }: ClientAct): Promise<void> {
    const { world, ledger, weather } = this.#options;
    const { instanceId } = this.#root;
    await world.sleep(afterMs);
    switch (act.kind) {
      case "event": {
        const data: Value = { from: "client", sequence: act.sequence };
        const keyed = act.isKeyed ? { idempotencyKey: `${instanceId} ${act.sequence}` } : {};
        const raise = (engine: HubClient): Promise<boolean> => engine.raiseEvent(instanceId, act.name, data, keyed).then(() => true);
        const { value } = await this.#ask(`event ${act.name}`, raise, ["FAILED_PRECONDITION"]);
        if (value === true) world.check("E3", e3AnswerFollowsCommit(ledger, `event ${instanceId} ${act.name} ${JSON.stringify(data)}`));
        if (world.random.chance("client sends twice", weather.impatientClient)) {
          await this.#ask(`event ${act.name} again`, raise, ["FAILED_PRECONDITION"]);
        }
        return;
      }
      case "signal": {
        const at = act.inMs === undefined ? {} : { at: new Date(world.wall + act.inMs) };
        const input: OperationInput = { from: instanceId, amount: 1, ...(act.inMs === undefined && { sequence: act.sequence }) };
        const requestId = `${instanceId} ${act.sequence}`;
        const signal = (engine: HubClient): Promise<void> =>
          engine.signalEntity(act.entity, "relay", input as unknown as Value, { requestId, ...at });
        await this.#ask(`signal ${act.entity}`, signal, []);
        world.check("E3", e3AnswerFollowsCommit(ledger, `signal ${act.entity} ${requestId}`));
        if (world.random.chance("client signals twice", weather.impatientClient)) await this.#ask("signal again", signal, []);
        return;
      }
      case "suspend":
      case "resume":
        await this.#ask(act.kind, (engine) => engine[act.kind](instanceId, "the plan says so"), ["FAILED_PRECONDITION"]);
        return;
      case "terminate":
        await this.#ask("terminate", (engine) => engine.terminate(instanceId, { output: "terminated", recurse: true }), []);
        if (!isTerminal(ledger.byId(instanceId)?.status ?? "Pending")) {
          world.check("E3", e3AnswerFollowsCommit(ledger, `terminate ${instanceId}`));
        }
        return;
      default:
        act satisfies never;
    }
  }

  async #awaitEnd(): Promise<void> {
    const { world, ledger } = this.#options;
    const { instanceId } = this.#root;
    const { value } = await this.#ask("waitForCompletion", (engine) => engine.waitForCompletion(instanceId), []);
    const committed = ledger.byId(instanceId)?.status;
    // One that is rewound has failed until it takes its next turn.
    if (this.#root.isBroken && value?.status === "Failed") return;
    const wasReplaced = ledger.past.some(
      (past) => past.instanceId === instanceId && past.history.some(({ kind }) => kind === "ExecutionTerminated"),
    );
    if (value !== undefined && value.status !== committed && !wasReplaced) {
      world.violate("E3", `a caller was told that "${instanceId}" is ${value.status}, committed is ${committed}`);
    }
  }

  async #purge(recurse: boolean): Promise<void> {
    const { world, ledger } = this.#options;
    const { instanceId } = this.#root;
    await this.#ask("purge", (engine) => engine.purge(instanceId, { recurse }), ["NOT_FOUND"]);
    if (ledger.byId(instanceId) !== undefined) world.violate("E3", `a caller was told that "${instanceId}" is purged`);
  }

  #ask<T>(what: string, call: (engine: HubClient, isRepeated: boolean) => Promise<T>, accepted: readonly string[]): Promise<Asked<T>> {
    this.doing = `${this.#root.instanceId}: ${what}`;
    return ask(this.#options, `${this.#root.instanceId} ${what}`, DEFAULT_HUB, call, accepted);
  }
}

function brokenNodes(steps: readonly Step[]): readonly number[] {
  return steps.flatMap((step) => {
    if (step.kind === "broken") return [step.node];
    return step.kind === "brokenChild" ? brokenNodes(step.program.steps) : [];
  });
}
