// The words of concurrency groups: who asks for a group, and where it then stands.

import type { ProcessIdentity } from "./process-identity.ts";

/** How many may wait in a group with `queue: max`. */
export const MAX_PENDING = 100;

/** Names a request for a group: the run, and what in it asks (the run itself, or one of its jobs). */
export interface LockTicket {
  /** Compared without case, as on GitHub. */
  readonly group: string;
  readonly run: string;
  readonly requester: string;
}

export interface LockParty extends LockTicket {
  readonly process: ProcessIdentity;
  /** The control socket of its process: for hints and requests to cancel. */
  readonly socket: string;
}

export interface LockRequest extends LockParty {
  /** `single`: a newcomer takes the one waiting place; `max`: it stands in line behind up to 100. */
  readonly queue: "single" | "max";
  readonly cancelInProgress: boolean;
}

export type Standing =
  /** Holds the group, under this fence. */
  | { readonly kind: "running"; readonly fence: number }
  /** Waits; `ahead` counts those before it in line, the holder included. */
  | { readonly kind: "pending"; readonly holder: LockParty; readonly ahead: number }
  /** A newcomer took its waiting place, or the line was full. */
  | { readonly kind: "displaced" };

export interface GroupChange {
  readonly standing: Standing;
  /** Those who lost their waiting place to this request. */
  readonly displaced: readonly LockParty[];
  /** Who became the holder by this change, other than the one who asked. */
  readonly promoted?: LockParty;
  /** The holder that is to be cancelled. */
  readonly toCancel?: LockParty;
  /** A holder whose process has died; the group was taken from it. */
  readonly takenFrom?: LockParty;
}
