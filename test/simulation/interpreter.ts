// Runs programs. One orchestrator for all of them: `code` says which version of the code this process has.

import type { JsonValue } from "../../src/model/payload.ts";
import type { OrchestrationContext, Orchestrator, Value } from "../../src/runtime/context.ts";
import { defineOrchestrator } from "../../src/runtime/define.ts";
import { isActivityError, isChildError } from "../../src/runtime/errors.ts";
import type { Behaviour, Outcome, Program, ProgramInput, Step } from "./program.ts";

export const PROGRAM = "program";

/** What a simulated activity gets. */
export interface ActivityInput {
  readonly node: number;
  readonly behaviour: Behaviour;
}

/** What it answers: the outcome, and from where the answer comes, for the checks. */
export interface ActivityResult {
  readonly value: number;
  readonly executionId: string;
  readonly delivery: number;
}

/** What an instance answers. */
export interface ProgramOutput {
  readonly results: readonly Outcome[];
  /** The execution that asked for it. */
  readonly parentExecutionId: string | null;
}

export function programOrchestrator(code: "old" | "new"): Orchestrator<ProgramInput, JsonValue> {
  return defineOrchestrator(PROGRAM, (ctx, input: ProgramInput) => new Interpreter(ctx, input, code).run());
}

class Interpreter {
  readonly #ctx: OrchestrationContext;
  readonly #input: ProgramInput;
  readonly #code: "old" | "new";

  constructor(ctx: OrchestrationContext, input: ProgramInput, code: "old" | "new") {
    this.#ctx = ctx;
    this.#input = input;
    this.#code = code;
  }

  async run(): Promise<JsonValue> {
    const { program, round, results } = this.#input;
    const all = [...results, ...(await this.#sequence(program.steps))];
    if (round + 1 < program.rounds) this.#ctx.continueAsNew({ ...this.#input, round: round + 1, results: all } as unknown as JsonValue);
    return { results: all, parentExecutionId: this.#ctx.parent?.executionId ?? null };
  }

  async #sequence(steps: readonly Step[]): Promise<Outcome[]> {
    const results: Outcome[] = [];
    for (const step of steps) results.push(await this.#step(step));
    return results;
  }

  async #step(step: Step): Promise<Outcome> {
    const ctx = this.#ctx;
    switch (step.kind) {
      case "activity":
        return this.#activity(step.name, { node: step.node, behaviour: step.behaviour }, step.options);
      case "leaveActivity":
        void this.#activity("slow", { node: step.node, behaviour: { kind: "succeeds" } });
        return null;
      case "leaveTimer":
        void ctx.createTimer(step.delayMs).then(() => undefined);
        return null;
      case "leaveChild":
        void this.#child(step.program, {});
        return null;
      case "timer": {
        const due = ctx.now() + step.delayMs;
        await ctx.createTimer(step.delayMs);
        return ctx.now() >= due ? "slept" : "woken too early";
      }
      case "event":
        return sequenceOf(await ctx.waitForEvent(this.#eventName(step.name)));
      case "events":
        return await this.#events(this.#eventName(step.name), step.count);
      case "all":
        return await Promise.all(step.branches.map((branch) => this.#sequence(branch)));
      case "race":
        return await this.#race(step.node, step.delayMs, step.isDecisive);
      case "child":
        return await this.#child(step.program, step.retry === undefined ? {} : { retry: step.retry });
      case "conflictingChild":
        return await this.#child({ node: step.node, steps: [], rounds: 1 }, { instanceId: ctx.instanceId });
      case "tellingChild": {
        const child = this.#child(step.program, {});
        await ctx.waitForEvent(step.event);
        return await child;
      }
      case "terminatedChild": {
        const instanceId = `${ctx.executionId} terminated ${step.node}`;
        const child = this.#child({ node: step.node, steps: [{ kind: "event", name: "never" }], rounds: 1 }, { instanceId });
        ctx.terminate(instanceId, { reason: "not needed" });
        return await child;
      }
      case "tellParent":
        if (ctx.parent !== undefined) ctx.sendEvent(ctx.parent.instanceId, step.event, { from: this.#input.path, sequence: 1 });
        return null;
      case "tell":
        ctx.sendEvent(step.instanceId, "noise", { from: ctx.executionId, sequence: 1 });
        return null;
      case "status":
        ctx.setCustomStatus(step.value);
        return null;
      case "patch": {
        const isPatched = this.#code === "new" && ctx.patched(`patch ${step.node}`);
        return await this.#activity(isPatched ? "quick" : "slow", { node: step.node, behaviour: { kind: "succeeds" } });
      }
      case "throw":
        throw new Error(`program ${this.#input.program.node} gives up`);
      default:
        return step satisfies never;
    }
  }

  async #activity(name: string, input: ActivityInput, options: Parameters<OrchestrationContext["callActivity"]>[2] = {}): Promise<Outcome> {
    try {
      const result = (await this.#ctx.callActivity(name, input as unknown as Value, options)) as unknown as ActivityResult;
      return result.value;
    } catch (error) {
      if (isActivityError(error)) return { failed: error.failure.type };
      throw error;
    }
  }

  async #child(program: Program, options: Parameters<OrchestrationContext["callSubOrchestration"]>[2]): Promise<Outcome> {
    const path = `${this.#input.path}/${this.#input.round}.${program.node}`;
    const input: ProgramInput = { program, path, round: 0, results: [] };
    try {
      const output = (await this.#ctx.callSubOrchestration(PROGRAM, input as unknown as Value, options)) as unknown as ProgramOutput;
      return output.results;
    } catch (error) {
      if (isChildError(error)) return { failed: error.failure.type };
      throw error;
    }
  }

  /** The timer is a durable one either way; only a decisive race tells who won. */
  async #race(node: number, delayMs: number, isDecisive: boolean): Promise<Outcome> {
    const activity = this.#activity("slow", { node, behaviour: { kind: "succeeds" } });
    const timer = this.#ctx.createTimer(delayMs);
    const winner = await Promise.race([activity.then(() => "activity"), timer.then(() => "timer")]);
    return isDecisive ? winner : await activity;
  }

  /** Clients send again what they do not know to have arrived: the same one twice counts once. */
  async #events(name: string, count: number): Promise<Outcome> {
    const seen = new Set<Outcome>();
    while (seen.size < count) seen.add(sequenceOf(await this.#ctx.waitForEvent(name)));
    return [...seen];
  }

  #eventName(name: string): string {
    return `${name}.${this.#input.round}`;
  }
}

function sequenceOf(data: Value): Outcome {
  return typeof data === "object" && data !== null && "sequence" in data ? (data.sequence ?? null) : null;
}
