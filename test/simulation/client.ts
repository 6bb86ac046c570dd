// A client of the engine: it does what the plan says to one root instance, waits for its end, and asks again whatever it does
// not know to have happened. What it is told is checked against the ledger (E3).

import type { Engine, StartOptions } from "../../src/loops/engine.ts";
import { isSignalboxError } from "../../src/model/errors.ts";
import { isTerminal } from "../../src/model/status.ts";
import type { Value } from "../../src/runtime/context.ts";
import { PROGRAM } from "./interpreter.ts";
import { e3AnswerFollowsCommit } from "./invariants.ts";
import type { Ledger } from "./ledger.ts";
import type { Machine } from "./machine.ts";
import type { ClientAct, Program, ProgramInput, Root } from "./program.ts";
import type { Weather } from "./weather.ts";
import type { World } from "./world.ts";

interface Asked<T> {
  /** Undefined: refused, with an error that is expected here. */
  readonly value: T | undefined;
  readonly isRepeated: boolean;
}

export interface ClientOptions {
  readonly world: World;
  readonly machine: Machine;
  readonly ledger: Ledger;
  readonly weather: Weather;
}

export class Client {
  /** Calls that have not been answered by a living process. */
  static readonly MAX_TRIES = 200;
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
    const { startAfterMs, program, scheduledInMs, acts, purge, reuse, instanceId } = this.#root;
    await world.sleep(startAfterMs);
    const scheduled = scheduledInMs === undefined ? {} : { scheduledStartAt: new Date(world.wall + scheduledInMs) };
    await this.#start(program, instanceId, { ...scheduled, replaceable: [] });
    for (const act of acts) await this.#do(act);
    await this.#awaitEnd();
    if (reuse !== undefined) {
      await this.#start(reuse, `${instanceId}+`, {});
      await this.#awaitEnd();
    }
    if (purge !== "no") await this.#purge(purge === "recursive");
    this.isDone = true;
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
        return await engine.start(PROGRAM, input, { ...options, instanceId });
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
        const raise = (engine: Engine): Promise<boolean> => engine.raiseEvent(instanceId, act.name, data).then(() => true);
        const { value } = await this.#ask(`event ${act.name}`, raise, ["FAILED_PRECONDITION"]);
        if (value === true) world.check("E3", e3AnswerFollowsCommit(ledger, `event ${instanceId} ${act.name} ${JSON.stringify(data)}`));
        if (world.random.chance("client sends twice", weather.impatientClient)) {
          await this.#ask(`event ${act.name} again`, raise, ["FAILED_PRECONDITION"]);
        }
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
    if (value !== undefined && value.status !== committed) {
      world.violate("E3", `a caller was told that "${instanceId}" is ${value.status}, committed is ${committed}`);
    }
  }

  async #purge(recurse: boolean): Promise<void> {
    const { world, ledger } = this.#options;
    const { instanceId } = this.#root;
    await this.#ask("purge", (engine) => engine.purge(instanceId, { recurse }), ["NOT_FOUND"]);
    if (ledger.byId(instanceId) !== undefined) world.violate("E3", `a caller was told that "${instanceId}" is purged`);
  }

  /** Until a living process has answered. */
  async #ask<T>(what: string, call: (engine: Engine, isRepeated: boolean) => Promise<T>, accepted: readonly string[]): Promise<Asked<T>> {
    const { world, machine } = this.#options;
    this.doing = what;
    for (let tries = 0; tries < Client.MAX_TRIES; tries++) {
      const process = await machine.process();
      const answer = await Promise.race([
        call(process.engine, tries > 0).then(
          (value) => ({ kind: "answer" as const, value }),
          (error: unknown) => ({ kind: "error" as const, error }),
        ),
        process.over.then(() => ({ kind: "over" as const })),
      ]);
      if (answer.kind === "answer") {
        world.trace(`answer ${this.#root.instanceId} ${what}`);
        return { value: answer.value, isRepeated: tries > 0 };
      }
      if (answer.kind === "over") continue;
      const code = isSignalboxError(answer.error) ? answer.error.code : undefined;
      world.trace(`error ${this.#root.instanceId} ${what} ${code ?? String(answer.error)}`);
      if (code !== undefined && accepted.includes(code)) return { value: undefined, isRepeated: tries > 0 };
      if (code === "SHUT_DOWN" || code === "STORE_IO") await Promise.race([process.over, world.sleep(1_000)]);
      else if (code === "LIMIT_EXCEEDED" || code === "STORE_REFUSED")
        await world.sleep(world.random.int("asks again after", 1, 50 * (tries + 1)));
      else {
        world.violate("E14", `"${what}" of "${this.#root.instanceId}" fails: ${String(answer.error)}`);
        return { value: undefined, isRepeated: tries > 0 };
      }
    }
    world.violate("E14", `"${what}" of "${this.#root.instanceId}" is not answered in ${Client.MAX_TRIES} tries`);
    return { value: undefined, isRepeated: true };
  }
}
