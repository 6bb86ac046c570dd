import type { InstanceRef, InstanceRow, StoredInstance } from "../model/parts.ts";
import type { ActivityOutcome, EntityResult } from "../model/work-item.ts";
import type { ActivityRow, DueTimer } from "../store/store.ts";
import type { ActivityTask } from "./activity-task.ts";
import type { Change, Landed } from "./committer.ts";
import type { LocalBatch } from "./local-batch.ts";
import type { Places } from "./places.ts";
import type { Replacement } from "./replacement.ts";
import type { SharingEvent } from "./sharing-event.ts";
import type { WorkerEvent } from "./workers/worker-events.ts";

/** Everything that can happen to the loop comes as one of these, through its one mailbox. */
export type LoopEvent =
  | { readonly kind: "Asked"; readonly change: Change }
  | { readonly kind: "BatchLanded"; readonly landed: Landed }
  | { readonly kind: "BatchFailed"; readonly changes: readonly Change[]; readonly error: unknown }
  | { readonly kind: "InstanceRead"; readonly ref: InstanceRef; readonly stored: StoredInstance | undefined }
  | { readonly kind: "ActivityReported"; readonly task: ActivityTask; readonly attempt: number; readonly outcome: ActivityOutcome }
  | { readonly kind: "ActivitiesRead"; readonly places: Places; readonly rows: readonly ActivityRow[]; readonly isLast: boolean }
  | { readonly kind: "TimersRead"; readonly timers: readonly DueTimer[] }
  | { readonly kind: "AwakeRead"; readonly refs: readonly InstanceRef[]; readonly isLast: boolean }
  | { readonly kind: "ReplaceAsked"; readonly replacement: Replacement }
  | { readonly kind: "ReplacedRead"; readonly replacement: Replacement; readonly row: InstanceRow | undefined }
  | { readonly kind: "EntityServed"; readonly batch: LocalBatch; readonly result: EntityResult }
  /** It is looked at again, with what waits for it. */
  | { readonly kind: "Revived"; readonly ref: InstanceRef }
  | { readonly kind: "WorkerSpoke"; readonly said: WorkerEvent }
  | { readonly kind: "Shared"; readonly event: SharingEvent }
  | { readonly kind: "AlarmRang" }
  | { readonly kind: "StopAsked" }
  | { readonly kind: "DrainEnded" }
  | { readonly kind: "StoreFailed"; readonly error: unknown };
