// The words of the Durable Task protocol. ContinuedAsNew is a completion's status, never an instance's.

export const ORCHESTRATION_STATUSES = ["Running", "Completed", "Failed", "Canceled", "Terminated", "Pending", "Suspended"] as const;

export type OrchestrationStatus = (typeof ORCHESTRATION_STATUSES)[number];
export type TerminalStatus = "Completed" | "Failed" | "Canceled" | "Terminated";

export function isTerminal(status: OrchestrationStatus): status is TerminalStatus {
  return status === "Completed" || status === "Failed" || status === "Canceled" || status === "Terminated";
}
