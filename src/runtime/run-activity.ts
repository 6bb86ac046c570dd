// Runs one attempt of an activity on this process's own event loop, for an engine in this process or for a remote one.

import type { ExecutionId, InstanceId } from "../model/ids.ts";
import type { Payload } from "../model/payload.ts";
import type { ActivityOutcome } from "../model/work-item.ts";
import type { Activity, ActivityContext } from "./context.ts";
import { failureOf } from "./failure-of.ts";
import { decodeValue, encodeValue } from "./values.ts";

/** Whatever its input and output: values are decoded and encoded around it. */
export type AnyActivity = Activity<never, unknown>;

export interface ActivityCall {
  readonly instanceId: InstanceId;
  readonly executionId: ExecutionId;
  readonly actionId: number;
  readonly name: string;
  readonly attempt: number;
  /** The id of the first attempt, where each has its own. */
  readonly retryOf?: number;
  readonly input: Payload | undefined;
}

export interface RunningActivity {
  readonly attempt: number;
  /** Asks it to stop, by its signal. It need not. */
  abort(reason: string): void;
}

/** Never throws. `report` is called once, perhaps before this returns. */
export function runActivity(
  activity: AnyActivity,
  call: ActivityCall,
  maxPayloadLength: number,
  report: (outcome: ActivityOutcome) => void,
): RunningActivity {
  const context = new RunContext(call);
  const fail = (error: unknown): void => report({ kind: "failed", failure: failureOf(error) });
  const succeed = (output: unknown): void => report(completed(call.name, output, maxPayloadLength));
  let output: unknown;
  try {
    output = activity.run(context, decodeValue(call.input) as never);
  } catch (error) {
    fail(error);
    return context;
  }
  if (output instanceof Promise) output.then(succeed, fail);
  else succeed(output);
  return context;
}

function completed(name: string, output: unknown, maxPayloadLength: number): ActivityOutcome {
  try {
    return { kind: "completed", result: encodeValue(output, `The result of activity ${JSON.stringify(name)}`, maxPayloadLength) };
  } catch (error) {
    return { kind: "failed", failure: { ...failureOf(error), isNonRetriable: true } };
  }
}

/** Signal and key are made when they are asked for: most activities ask for neither. */
class RunContext implements ActivityContext, RunningActivity {
  readonly #call: ActivityCall;
  #controller: AbortController | undefined;
  #aborted: string | undefined;

  constructor(call: ActivityCall) {
    this.#call = call;
  }
  get attempt() {
    return this.#call.attempt;
  }
  get instanceId() {
    return this.#call.instanceId;
  }
  get executionId() {
    return this.#call.executionId;
  }
  get actionId() {
    return this.#call.actionId;
  }
  get name() {
    return this.#call.name;
  }
  get idempotencyKey() {
    return JSON.stringify([this.instanceId, this.executionId, this.#call.retryOf ?? this.actionId]);
  }
  get signal() {
    this.#controller ??= new AbortController();
    if (this.#aborted !== undefined) this.#controller.abort(new Error(this.#aborted));
    return this.#controller.signal;
  }
  abort(reason: string): void {
    this.#aborted = reason;
    this.#controller?.abort(new Error(reason));
  }
}
