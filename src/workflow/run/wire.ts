// Data of events from outside, checked: a cancel request may come from another process or another version.

import type { Value } from "../../runtime/context.ts";
import type { CancelNotice } from "./records.ts";
import type { WorkflowEvent } from "./workflow/workflow-protocol.ts";

export function asCancelNotice(data: Value): CancelNotice {
  const fields = fieldsOf(data);
  const reason = typeof fields["reason"] === "string" ? fields["reason"] : "The operation was canceled.";
  return fields["force"] === true ? { reason, force: true } : { reason };
}

/** Without a key it gives a slot back. */
export function asSlotMessage(data: Value): WorkflowEvent {
  const { from, key } = fieldsOf(data);
  return typeof from === "string" && typeof key === "string" ? { kind: "SlotAsked", from, key } : { kind: "SlotReturned" };
}

export function asSlotGrant(data: Value): WorkflowEvent {
  return { kind: "SlotGranted", key: String(fieldsOf(data)["key"]) };
}

export function fieldsOf(data: unknown): { readonly [name: string]: unknown } {
  return typeof data === "object" && data !== null && !Array.isArray(data) ? { ...data } : {};
}
