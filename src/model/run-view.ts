// How a run looks from outside: the stable interface of `show --json`, and the run's event stream. Times are ISO 8601,
// conclusions are GitHub's words, every text is masked.

import type { Annotation, StepConclusion } from "./host-port.ts";
import type { JsonValue } from "./payload.ts";

export const SCHEMA_VERSION = 1;

export type RunStatus = "queued" | "in_progress" | "waiting" | "interrupted" | "completed";
export type Conclusion = StepConclusion | "timed_out";
export type StepKind = "run" | "uses" | "wait" | "wait-all" | "cancel" | "parallel" | "setup" | "pre" | "post";

export interface RunView {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly id: string;
  /** The workflow file, relative to the repository. */
  readonly file: string;
  readonly name: string;
  readonly event: string;
  readonly status: RunStatus;
  readonly conclusion: Conclusion | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly jobs: readonly JobView[];
}

export interface JobView {
  /** Unique in the run: `build`, `test (20, linux)`'s key, `deploy/inner` for a job of a called workflow. */
  readonly key: string;
  readonly name: string;
  readonly needs: readonly string[];
  readonly status: RunStatus;
  readonly conclusion: Conclusion | null;
  readonly outputs: { readonly [name: string]: string };
  readonly queuedAt: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** Why it failed, was skipped or waits, where there is something to say. */
  readonly message: string | null;
  readonly steps: readonly StepView[];
}

export interface StepView {
  /** The id in the file, or null. */
  readonly id: string | null;
  /** Unique in the job. */
  readonly key: string;
  readonly number: number;
  readonly name: string;
  readonly kind: StepKind;
  readonly background: boolean;
  /** Of wait and cancel: the ids they name. */
  readonly targets: readonly string[];
  /** The key of the parallel group that it belongs to. */
  readonly group: string | null;
  /** The key of the step that it stands under: of a pre or post step its main step. */
  readonly parent: string | null;
  readonly status: RunStatus;
  readonly outcome: Conclusion | null;
  readonly conclusion: Conclusion | null;
  readonly outputs: { readonly [name: string]: string };
  readonly queuedAt: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly attempt: number;
  readonly timing: { readonly waitedMs: number; readonly ranMs: number; readonly blockedMs: number };
  readonly exitCode: number | null;
  readonly message: string | null;
  /** Where the step stands in its workflow file; absent for steps that no file has. */
  readonly source?: { readonly file: string; readonly line: number; readonly column: number };
  /** Relative to the run's directory. */
  readonly log: { readonly file: string; readonly bytes: number } | null;
  readonly annotations: readonly Annotation[];
}

/** A line of the run's event stream, before it gets `schemaVersion`, `seq` and `at`. */
export type RunEvent =
  | {
      readonly type: "run.started" | "run.resumed";
      readonly runId: string;
      readonly file: string;
      readonly event: string;
      readonly name: string;
    }
  | { readonly type: "job.queued" | "job.started"; readonly job: string; readonly name: string; readonly needs?: readonly string[] }
  | {
      readonly type: "job.finished";
      readonly job: string;
      readonly conclusion: Conclusion;
      readonly outputs: { readonly [name: string]: string };
      readonly message?: string;
    }
  | {
      readonly type: "step.queued" | "step.started";
      readonly job: string;
      readonly step: string;
      readonly number: number;
      readonly name: string;
      readonly kind: StepKind;
      readonly background: boolean;
      readonly attempt: number;
      readonly id?: string;
      readonly targets?: readonly string[];
      readonly group?: string;
      readonly parent?: string;
    }
  /** One line of a step's log; `offset` is its first byte in the log of that attempt. */
  | {
      readonly type: "step.log";
      readonly job: string;
      readonly step: string;
      readonly attempt: number;
      readonly offset: number;
      readonly text: string;
    }
  | { readonly type: "step.annotation"; readonly job: string; readonly step: string; readonly annotation: Annotation }
  | {
      readonly type: "step.finished";
      readonly job: string;
      readonly step: string;
      readonly number?: number;
      readonly name?: string;
      readonly kind?: StepKind;
      readonly attempt: number;
      readonly outcome: Conclusion;
      readonly conclusion: Conclusion;
      readonly exitCode?: number;
      readonly message?: string;
      readonly outputs: { readonly [name: string]: string };
    }
  /** The results of a background step became visible to the job. */
  | { readonly type: "step.flushed"; readonly job: string; readonly step: string; readonly by: string }
  | { readonly type: "run.notice"; readonly message: string }
  | {
      readonly type: "run.finished";
      readonly runId: string;
      readonly status: "completed" | "waiting";
      readonly conclusion: Conclusion | null;
    };

/** As it stands in the stream. */
export type StreamedEvent = RunEvent & { readonly schemaVersion: typeof SCHEMA_VERSION; readonly seq: number; readonly at: string };

/** What a run was started with, recorded before anything runs (no secret values). */
export interface RunInputs {
  readonly event: string;
  readonly eventPayload: JsonValue;
  readonly inputs: { readonly [name: string]: JsonValue };
  readonly vars: { readonly [name: string]: string };
  /** Names of the secrets that were given, and where each comes from; never a value. */
  readonly secrets: readonly { readonly name: string; readonly source: string }[];
  readonly baseEnvironment: { readonly [name: string]: string };
  /** The part of it that holds secrets, sealed under the run's key. */
  readonly sealedEnvironment?: { readonly [name: string]: string };
  readonly options: {
    readonly jobs?: readonly string[];
    readonly matrix?: readonly { readonly key: string; readonly value: string }[];
    readonly maxJobs: number;
    readonly maxBackground: number;
    readonly inPlace: boolean;
    readonly unsupported: "fail" | "skip";
    readonly onInterrupt: "rerun" | "rerun-job" | "fail";
    readonly actionFolders: { readonly [reference: string]: string };
  };
}
