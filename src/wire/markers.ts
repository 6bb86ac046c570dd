// A marker (`RecordMarker`) is recorded in history and does nothing else. The wire has an event for that, GenericEvent, but no
// action. It travels as an event sent to an instance that does not exist: every Durable Task server records a sent event in
// the sender's history and drops it when its target is missing, so that a marker lasts on other servers too. Ours
// makes a RecordMarker of the action at once; nothing is sent.

const MARKER = "signalbox.marker";

/** Target and name of the event that stands for a marker. */
export const MARKER_EVENT = { instanceId: MARKER, name: MARKER } as const;

export function isMarker(instanceId: string | undefined, eventName: string): boolean {
  return eventName === MARKER && instanceId === MARKER;
}
