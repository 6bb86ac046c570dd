import type { WorkSort } from "../../model/work-item.ts";

/** What happens to a worker, for logs. */
export type WorkerEvent =
  | {
      readonly kind: "connected";
      readonly address: string /** The server sends warm instances only what is new. */;
      readonly deltaTurns: boolean;
    }
  | { readonly kind: "disconnected"; readonly address: string; readonly reason: string; readonly retryInMs: number }
  /** Given back: the server offers it again, to this worker or another, and shows the instance as stalled in the end. */
  | { readonly kind: "abandoned"; readonly sort: WorkSort; readonly instanceId: string; readonly reason: string }
  /** Done, but the server did not take the answer: it offers the item again. */
  | { readonly kind: "unreported"; readonly sort: WorkSort; readonly instanceId: string; readonly reason: string };

export function describeWorkerEvent(event: WorkerEvent): string {
  switch (event.kind) {
    case "connected":
      return `signalbox worker: connected to ${event.address}`;
    case "disconnected":
      return `signalbox worker: no connection to ${event.address}, next try in ${Math.round(event.retryInMs)} ms: ${event.reason}`;
    case "abandoned":
      return `signalbox worker: gave back ${WHAT[event.sort]} of ${JSON.stringify(event.instanceId)}: ${event.reason}`;
    case "unreported":
      return `signalbox worker: the server did not take the answer for ${WHAT[event.sort]} of ${JSON.stringify(event.instanceId)}: ${event.reason}`;
    default:
      return event satisfies never;
  }
}

const WHAT: Readonly<Record<WorkSort, string>> = {
  orchestration: "a turn",
  activity: "an activity",
  entity: "a batch",
};
