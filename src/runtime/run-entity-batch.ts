// Leads an entity through a batch of operations, one after the other. Each counts as a whole or not at all.

import { entityName } from "../model/entity.ts";
import { SignalboxError } from "../model/errors.ts";
import type { Payload } from "../model/payload.ts";
import type { EntityResult, OperationAction, OperationResult } from "../model/work-item.ts";
import type { AnyEntity } from "./entity.ts";
import { failureOf } from "./failure-of.ts";
import { OperationContext, type ServedOperation } from "./operation-context.ts";
import { decodeValue, encodeValue } from "./values.ts";

export async function runEntityBatch(
  entity: AnyEntity,
  state: Payload | undefined,
  operations: readonly ServedOperation[],
  maxPayloadLength: number,
): Promise<EntityResult> {
  const results: OperationResult[] = [];
  const actions: OperationAction[] = [];
  let current = state;
  for (const operation of operations) {
    const context = new OperationContext(operation, current, maxPayloadLength);
    const result = await serve(entity, context, operation, maxPayloadLength);
    context.close();
    results.push(result);
    if (result.kind === "failed") continue;
    current = context.state;
    actions.push(...context.actions);
  }
  return { results, actions, state: current };
}

async function serve(
  entity: AnyEntity,
  context: OperationContext,
  { targetInstanceId, operation, input }: ServedOperation,
  maxPayloadLength: number,
): Promise<OperationResult> {
  try {
    const name = entityName(targetInstanceId);
    if (name !== entity.name) throw new SignalboxError("INTERNAL", `Entity ${entity.name} was given a message for ${targetInstanceId}.`);
    const output: unknown = await entity.run(context as never, decodeValue(input));
    const result = encodeValue(output, `The result of operation ${JSON.stringify(operation)}`, maxPayloadLength);
    return result === undefined ? { kind: "completed" } : { kind: "completed", result };
  } catch (error) {
    return { kind: "failed", failure: failureOf(error) };
  }
}
