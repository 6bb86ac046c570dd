import { SignalboxError } from "../model/errors.ts";
import type { OrchestrationStatus, TerminalStatus } from "../model/status.ts";
import { OrchestrationStatus as WireStatus } from "./generated/durable_task_pb.ts";

type AnyStatus = OrchestrationStatus | "ContinuedAsNew";

const TO_WIRE = {
  Running: WireStatus.RUNNING,
  Completed: WireStatus.COMPLETED,
  ContinuedAsNew: WireStatus.CONTINUED_AS_NEW,
  Failed: WireStatus.FAILED,
  Canceled: WireStatus.CANCELED,
  Terminated: WireStatus.TERMINATED,
  Pending: WireStatus.PENDING,
  Suspended: WireStatus.SUSPENDED,
} as const satisfies Record<AnyStatus, WireStatus>;

const FROM_WIRE: ReadonlyMap<WireStatus, AnyStatus> = new Map(
  Object.entries(TO_WIRE).map(([status, number]) => [number, status as AnyStatus]),
);

export function statusToWire(status: AnyStatus): WireStatus {
  return TO_WIRE[status];
}

/** The status of an instance. ContinuedAsNew, which no instance is in for any time, reads as Running. */
export function statusFromWire(status: WireStatus): OrchestrationStatus {
  const known = anyStatusFromWire(status);
  return known === "ContinuedAsNew" ? "Running" : known;
}

/** The status with which an execution ends. */
export function endStatusFromWire(status: WireStatus): TerminalStatus | "ContinuedAsNew" {
  const known = anyStatusFromWire(status);
  if (known === "Running" || known === "Pending" || known === "Suspended") {
    throw new SignalboxError("INVALID_ARGUMENT", `An execution cannot end with the status ${known}.`);
  }
  return known;
}

function anyStatusFromWire(status: WireStatus): AnyStatus {
  const known = FROM_WIRE.get(status);
  if (known === undefined) throw new SignalboxError("INVALID_ARGUMENT", `There is no orchestration status ${status}.`);
  return known;
}
