// The answers of workers. One that makes no sense is refused, and its item is given back: it is tried again with growing pauses, and
// stalls its instance in the end (E13).

import type { Metadata } from "@grpc/grpc-js";
import type { WorkerHub } from "../../loops/workers/worker-hub.ts";
import { isSignalboxError } from "../../model/errors.ts";
import type { Completion } from "../../model/work-item.ts";
import { outcomeFromWire } from "../../wire/activities.ts";
import { entityResultFromWire } from "../../wire/entity-work.ts";
import { turnResultFromWire } from "../../wire/turns.ts";
import type { Connections } from "./connections.ts";
import type { PartialTurns } from "./partial-turns.ts";
import type { UnaryHandlers } from "./service.ts";
import type { UnaryCall } from "./unary-call.ts";

type Completions = Pick<
  UnaryHandlers,
  | "completeActivityTask"
  | "completeOrchestratorTask"
  | "completeEntityTask"
  | "abandonTaskActivityWorkItem"
  | "abandonTaskOrchestratorWorkItem"
  | "abandonTaskEntityWorkItem"
>;

const COMPLETED = { $typeName: "CompleteTaskResponse" } as const;

/** Why an item is given back: the protocol has no field for it, our own worker says it here. */
const REASON = "signalbox-reason-bin";
const MAX_REASON_LENGTH = 2_000;

function reasonIn(metadata: Metadata): string | undefined {
  const [reason] = metadata.get(REASON);
  return reason === undefined ? undefined : reason.toString().slice(0, MAX_REASON_LENGTH).toWellFormed();
}

export function completions(workers: WorkerHub, partialTurns: PartialTurns, connections: Pick<Connections, "of">): Completions {
  const complete = async ({ peer }: UnaryCall, token: string, completion: () => Completion): Promise<typeof COMPLETED> => {
    const from = connections.of(peer);
    let read: Completion;
    try {
      read = completion();
    } catch (error) {
      await workers.abandon(token, isSignalboxError(error) ? `Its worker's answer makes no sense: ${error.message}` : undefined, from);
      throw error;
    }
    await workers.complete(token, read, from);
    return COMPLETED;
  };

  return {
    completeActivityTask: (response, call) =>
      complete(call, response.completionToken, () => ({ sort: "activity", outcome: outcomeFromWire(response) })),

    completeOrchestratorTask: async (response, call) => {
      const whole = partialTurns.add(response, call.bytes.length);
      if (whole === undefined) return COMPLETED;
      return await complete(call, whole.completionToken, () => ({ sort: "orchestration", result: turnResultFromWire(whole) }));
    },

    completeEntityTask: async (result, call) => {
      // It always got the state. What it needs is another try.
      if (result.requiresState) {
        await workers.abandon(
          result.completionToken,
          "Its worker asks for the state of the entity, which came with the batch.",
          connections.of(call.peer),
        );
        return COMPLETED;
      }
      return await complete(call, result.completionToken, () => ({ sort: "entity", result: entityResultFromWire(result) }));
    },

    abandonTaskActivityWorkItem: async ({ completionToken }, { metadata, peer }) => {
      await workers.abandon(completionToken, reasonIn(metadata), connections.of(peer));
      return { $typeName: "AbandonActivityTaskResponse" };
    },
    abandonTaskOrchestratorWorkItem: async ({ completionToken }, { metadata, peer }) => {
      await workers.abandon(completionToken, reasonIn(metadata), connections.of(peer));
      return { $typeName: "AbandonOrchestrationTaskResponse" };
    },
    abandonTaskEntityWorkItem: async ({ completionToken }, { metadata, peer }) => {
      await workers.abandon(completionToken, reasonIn(metadata), connections.of(peer));
      return { $typeName: "AbandonEntityTaskResponse" };
    },
  };
}
