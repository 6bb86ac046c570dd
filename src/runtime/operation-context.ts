// The context of one operation of an entity: it collects what the operation changes and sends, for the batch to take or to
// leave.

import { type EntityOperation, entityName } from "../model/entity.ts";
import { SignalboxError } from "../model/errors.ts";
import { asInstanceId } from "../model/ids.ts";
import type { Payload } from "../model/payload.ts";
import type { OperationAction } from "../model/work-item.ts";
import type { Orchestrator, SignalOptions } from "./context.ts";
import type { EntityContext, StartOptions } from "./entity.ts";
import { type EntityId, entityIdOf } from "./entity-id.ts";
import { guidOf } from "./guid.ts";
import { decodeValue, encodeValue } from "./values.ts";

/** An operation as its entity serves it, whatever it came in. */
export type ServedOperation = Pick<EntityOperation, "targetInstanceId" | "operation" | "requestId" | "input">;

export class OperationContext implements EntityContext<unknown> {
  readonly id: string;
  readonly name: string;
  readonly key: string;
  readonly operation: string;
  readonly actions: OperationAction[] = [];
  readonly #requestId: string;
  readonly #maxPayloadLength: number;
  #state: Payload | undefined;
  #isOpen = true;

  constructor({ targetInstanceId, operation, requestId }: ServedOperation, state: Payload | undefined, maxPayloadLength: number) {
    this.id = targetInstanceId;
    this.name = entityName(targetInstanceId) ?? "";
    this.key = targetInstanceId.slice(this.name.length + 2);
    this.operation = operation;
    this.#requestId = requestId;
    this.#state = state;
    this.#maxPayloadLength = maxPayloadLength;
  }

  get state(): Payload | undefined {
    return this.#state;
  }

  /** From now on its calls do nothing. */
  close(): void {
    this.#isOpen = false;
  }

  getState(): unknown {
    return decodeValue(this.#state);
  }

  setState(state: unknown): void {
    const payload = this.#encode(state, `The state of entity ${JSON.stringify(this.id)}`);
    if (this.#isOpen) this.#state = payload;
  }

  deleteState(): void {
    if (this.#isOpen) this.#state = undefined;
  }

  signalEntity(entity: EntityId, operation: string, input?: unknown, options: SignalOptions = {}): void {
    const payload = this.#encode(input, `The input of operation ${JSON.stringify(operation)}`);
    const scheduledAt = momentOf(options.at);
    this.#send({
      kind: "SendSignal",
      instanceId: entityIdOf(entity),
      operation,
      ...(payload !== undefined && { input: payload }),
      ...(scheduledAt !== undefined && { scheduledAt }),
    });
  }

  startOrchestration(orchestrator: Orchestrator<never, unknown> | string, input?: unknown, options: StartOptions = {}): string {
    const name = typeof orchestrator === "string" ? orchestrator : orchestrator.name;
    const version = options.version ?? (typeof orchestrator === "string" ? undefined : orchestrator.version);
    const payload = this.#encode(input, `The input of orchestration ${JSON.stringify(name)}`);
    const scheduledAt = momentOf(options.at);
    const instanceId = options.instanceId ?? guidOf(`start ${this.actions.length} ${this.#requestId}`);
    this.#send({
      kind: "StartNewOrchestration",
      instanceId: asInstanceId(instanceId),
      name,
      ...(version !== undefined && { version }),
      ...(payload !== undefined && { input: payload }),
      ...(scheduledAt !== undefined && { scheduledAt }),
    });
    return instanceId;
  }

  #send(action: OperationAction): void {
    if (this.#isOpen) this.actions.push(action);
  }

  #encode(value: unknown, what: string): Payload | undefined {
    return encodeValue(value, what, this.#maxPayloadLength);
  }
}

function momentOf(at: Date | undefined): number | undefined {
  const time = at?.getTime();
  if (time === undefined || Number.isFinite(time)) return time;
  throw new SignalboxError("INVALID_ARGUMENT", "A message is scheduled for no moment: give a valid Date.");
}
