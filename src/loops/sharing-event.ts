import type { ActivityKey, ActivityRow, InboxRow, InstanceRef } from "../model/parts.ts";
import type { ForeignCompletion, Hint } from "../store/store.ts";
import type { Places } from "./places.ts";
import type { Passable } from "./workers/pass-on.ts";

/** What is heard, and what was found in the store. */
export type SharingEvent =
  | { readonly kind: "Hinted"; readonly hint: Hint }
  | { readonly kind: "InboxRead"; readonly ref: InstanceRef; readonly rows: readonly InboxRow[] }
  /** `page`: of any that there were; undefined: of some that were named. */
  | { readonly kind: "Claimed"; readonly refs: readonly InstanceRef[]; readonly page: "last" | "full" | undefined }
  | { readonly kind: "OwnedRead"; readonly refs: readonly InstanceRef[]; readonly isLast: boolean }
  | { readonly kind: "ActivitiesClaimed"; readonly places: Places; readonly rows: readonly ActivityRow[]; readonly isLast: boolean }
  | { readonly kind: "ActivitiesReturned" }
  /** All that this node has claimed. */
  | { readonly kind: "ClaimedRead"; readonly claimed: readonly (ActivityKey & { readonly order: number })[] }
  | { readonly kind: "CompletionsTaken"; readonly completions: readonly ForeignCompletion[] }
  | { readonly kind: "Again"; readonly again: () => void }
  /** Said of an item whose node is no more. */
  | { readonly kind: "Orphaned"; readonly said: Passable };
