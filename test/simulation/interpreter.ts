// Runs programs. One orchestrator for all of them: `code` says which version of the code this process has.

import type { JsonValue } from "../../src/model/payload.ts";
import type { OrchestrationContext, Orchestrator, Value } from "../../src/runtime/context.ts";
import { defineOrchestrator } from "../../src/runtime/define.ts";
import { isActivityError, isChildError } from "../../src/runtime/errors.ts";
import type { Behaviour, Outcome, Place, Program, ProgramInput, Section, Step } from "./program.ts";
import type { OperationInput } from "./sim-entity.ts";

export const PROGRAMS = { here: "program", elsewhere: "remote program" } as const;
export const PRIVATE_ENTITIES = { here: "till", elsewhere: "vault" } as const;

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

export function programOrchestrator(where: Place, code: "old" | "new"): Orchestrator<ProgramInput, JsonValue> {
  return defineOrchestrator(PROGRAMS[where], (ctx, input: ProgramInput) => new Interpreter(ctx, input, code).run());
}

class Interpreter {
  readonly #ctx: OrchestrationContext;
  readonly #input: ProgramInput;
  readonly #code: "old" | "new";
  /** Operations sent, by entity: each sender's arrive in this order. */
  readonly #sent = new Map<string, number>();

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
        return await this.#child(emptyProgram(step.node, []), { instanceId: ctx.instanceId });
      case "tellingChild": {
        const child = this.#child(step.program, {});
        await ctx.waitForEvent(step.event);
        return await child;
      }
      case "terminatedChild": {
        const instanceId = `${ctx.executionId} terminated ${step.node}`;
        const child = this.#child(emptyProgram(step.node, [{ kind: "event", name: "never" }]), { instanceId });
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
      case "broken":
        return await this.#broken(step.node);
      case "brokenChild": {
        const outcome = await this.#child(step.program, {});
        if (typeof outcome === "object" && outcome !== null && "failed" in outcome) throw new Error("a child is broken");
        return outcome;
      }
      case "signal":
        if (!ctx.isInCriticalSection) this.#signal(step.entity, step.delayMs);
        return null;
      case "callEntity":
        return ctx.isInCriticalSection ? null : await this.#call(step.entity, "add", 1);
      case "tally":
        return await this.#tally(step.where, step.node, step.amounts);
      case "section":
        return ctx.isInCriticalSection ? null : await this.#section(step);
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

  async #broken(node: number): Promise<Outcome> {
    const input: ActivityInput = { node, behaviour: { kind: "broken" } };
    const result = (await this.#ctx.callActivity("quick", input as unknown as Value)) as unknown as ActivityResult;
    return result.value;
  }

  #signal(entity: string, delayMs: number | undefined): void {
    const ctx = this.#ctx;
    if (delayMs === undefined) return ctx.signalEntity(entity, "add", this.#operation(entity, 1));
    const input: OperationInput = { from: "later", amount: 1 };
    ctx.signalEntity(entity, "add", input as unknown as Value, { at: new Date(ctx.now() + delayMs) });
  }

  async #call(entity: string, operation: string, amount: number): Promise<Outcome> {
    return (await this.#ctx.callEntity(entity, operation, this.#operation(entity, amount))) as Outcome;
  }

  #operation(entity: string, amount: number): Value {
    const sequence = (this.#sent.get(entity) ?? 0) + 1;
    this.#sent.set(entity, sequence);
    const input: OperationInput = { from: this.#ctx.executionId, sequence, amount };
    return input as unknown as Value;
  }

  async #tally(where: Place, node: number, amounts: readonly number[]): Promise<Outcome> {
    if (this.#ctx.isInCriticalSection) return null;
    const entity = `@${PRIVATE_ENTITIES[where]}@${this.#ctx.executionId} ${node}`;
    const totals: Outcome[] = [];
    for (const amount of amounts) totals.push(await this.#call(entity, "total", amount));
    return totals;
  }

  /** Writing answers whether it was the value that was read: nobody else was let in. */
  async #section({ entities, inside, isCareful, isLeft }: Section): Promise<Outcome> {
    const section = await this.#ctx.lockEntities(...entities);
    const read: Outcome[] = [];
    for (const entity of entities) read.push(await this.#call(entity, isCareful ? "read" : "add", 1));
    await this.#sequence(inside);
    const written: Outcome[] = [];
    for (const [index, entity] of entities.entries()) {
      if (isCareful) written.push(await this.#call(entity, "write", Number(read[index]) + 1));
    }
    if (!isLeft) section.release();
    return written;
  }

  async #child(program: Program, options: Parameters<OrchestrationContext["callSubOrchestration"]>[2]): Promise<Outcome> {
    const path = `${this.#input.path}/${this.#input.round}.${program.node}`;
    const input: ProgramInput = { program, path, round: 0, results: [] };
    try {
      const output = (await this.#ctx.callSubOrchestration(
        PROGRAMS[program.where],
        input as unknown as Value,
        options,
      )) as unknown as ProgramOutput;
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

const emptyProgram = (node: number, steps: readonly Step[]): Program => ({ node, steps, rounds: 1, where: "here" });

function sequenceOf(data: Value): Outcome {
  return typeof data === "object" && data !== null && "sequence" in data ? (data.sequence ?? null) : null;
}
