// The port between the engine and a task host: plain data only, with ids, at least once, both ways. Everything here
// passes through a codec, also where both sides share a process. What a step sees is given as a position: the job's
// published results up to N; the host gets the differences (`published`), history stores N.

import type { Failure } from "./failure.ts";
import type { JsonValue } from "./payload.ts";
import type { RunDefaults, StepPlan } from "./plan.ts";
import type { TemplateToken } from "./template.ts";

/** A job of a run, as hosts and directories know it; made of [a-z0-9._-] only, unique in the run, stable over resumes. */
export type JobKey = string;

/** GitHub's words for an ended step. */
export type StepConclusion = "success" | "failure" | "cancelled" | "skipped";
export type JobStatus = "success" | "failure" | "cancelled";

/**
 * A value that a step wrote. A value that a mask would change is sealed: `sealed` is AES-256-GCM ciphertext under the
 * run's key, which only hosts hold; every view prints `***`.
 */
export type StepValue = string | { readonly sealed: string };

export interface HostDirectories {
  /** The run's directory: logs/, spool/, work/ lie in it. */
  readonly run: string;
  /** The job's own workspace (GITHUB_WORKSPACE); in place: the user's tree. */
  readonly workspace: string;
  /** RUNNER_TEMP and RUNNER_TOOL_CACHE. */
  readonly temp: string;
  readonly toolCache: string;
}

export interface SecretSource {
  readonly name: string;
  readonly value: string;
}

/** Everything about a job that does not change while it runs. Sent before its first step; repeated without effect. */
export interface OpenJob {
  readonly runId: string;
  readonly job: JobKey;
  readonly directories: HostDirectories;
  readonly inPlace: boolean;
  /** The recorded base environment of the run. */
  readonly baseEnvironment: { readonly [name: string]: string };
  /** Contexts by name: github, vars, inputs, needs, matrix, strategy, job, runner; no secrets, no steps, no env. */
  readonly contexts: { readonly [name: string]: JsonValue };
  readonly workflowEnv?: TemplateToken;
  readonly jobEnv?: TemplateToken;
  readonly workflowDefaults: RunDefaults;
  readonly jobDefaults: RunDefaults;
  /** The job's steps, implicit wait included. */
  readonly steps: readonly StepPlan[];
  /** In memory only, never written. */
  readonly secrets: readonly SecretSource[];
  /** Masks that earlier steps added, sealed; loaded before the first byte of a resumed log. */
  readonly sealedMasks: readonly StepValue[];
  /** The run's key for sealed values, base64; in memory only. */
  readonly sealKey: string;
  /** What `actions/checkout` of the own repository fills the workspace with; absent: nothing recorded. */
  readonly snapshot?: RepositorySnapshot;
  /** Folders that `owner/repo@ref` names, by that text. */
  readonly actionFolders: { readonly [reference: string]: string };
}

/** What the host found out as it opened the job. */
export interface OpenedJob {
  /** B15: in the order in which they run. Absent: none. */
  readonly pres?: readonly RegisteredPre[];
  /** Steps whose name is not shown as the file has it: a mask changes it. Absent: none. */
  readonly masked?: readonly string[];
}

/** The repository as it was when the run started. */
export interface RepositorySnapshot {
  /** The git directory that holds the snapshot's objects (in the run's directory); absent outside git. */
  readonly gitDirectory?: string;
  /** The commit whose tree is the working tree as it was, uncommitted state included. */
  readonly commit?: string;
  /** Outside git: the folder that was copied. */
  readonly copy?: string;
  /** The user's repository. */
  readonly repository: string;
}

/** A step's result as others may see it, in the order of publication: position N is the fold of the first N. */
export interface PublishedStep {
  /** The step's key; its id, if it has one, is its name in `steps`. */
  readonly step: string;
  readonly id?: string;
  readonly outcome: StepConclusion;
  readonly conclusion: StepConclusion;
  readonly outputs: { readonly [name: string]: StepValue };
  /** GITHUB_ENV, in order of writing. */
  readonly environment: readonly { readonly name: string; readonly value: StepValue }[];
  /** GITHUB_PATH, in order of writing. */
  readonly path: readonly StepValue[];
}

/** Where a step stands when it is reached. */
export interface StepPosition {
  readonly position: number;
  /** Entries from the position that the host knows up to `position`; `from` says where they begin. */
  readonly from: number;
  readonly published: readonly PublishedStep[];
  readonly jobStatus: JobStatus;
}

export interface PrepareStep {
  readonly runId: string;
  readonly job: JobKey;
  readonly step: string;
  readonly at: StepPosition;
  /** Results of `hashFiles` that were recorded when the step was prepared before. */
  readonly hashes?: readonly RecordedHash[];
  /** A post step: `step` is its own key then, unique in the job, and `main` the key of the step that registered it. */
  readonly post?: PostStep;
  /** A pre step: `step` is its own key, too. */
  readonly pre?: RegisteredPre;
  /** Of a main step: what its pre steps have saved. */
  readonly states?: readonly SavedState[];
  /** What the step's action was resolved to when it was prepared before. */
  readonly actionHash?: string;
}

/** Where an action stands below a step: the index of the inner step in each composite action, none for the step's own. */
export type ActionPlace = readonly number[];

export interface SavedState {
  readonly place: ActionPlace;
  readonly state: { readonly [name: string]: StepValue };
}

export interface PostStep extends RegisteredPost {
  readonly main: string;
}

/** A pre step that an action of a main step asks for. */
export interface RegisteredPre {
  /** The key of the main step. */
  readonly main: string;
  /** Until it is prepared. */
  readonly name: string;
  readonly condition: string;
  readonly place: ActionPlace;
}

export interface RecordedHash {
  /** They may be made of secrets. */
  readonly patterns: readonly StepValue[];
  readonly hash: string;
}

/** What history keeps of a prepared step. */
export type PreparedStep =
  | { readonly verdict: "skip"; readonly name: string; readonly hashes: readonly RecordedHash[] }
  | {
      readonly verdict: "run";
      /** Masked. */
      readonly name: string;
      /** Absent: none. Fractions are allowed. */
      readonly timeoutMinutes?: number;
      readonly continueOnError: boolean;
      readonly hashes: readonly RecordedHash[];
      /** A composite or JavaScript action has been resolved to this file's content. */
      readonly actionHash?: string;
    }
  /** An expression failed, the action does not exist: the step fails without having run. */
  | {
      readonly verdict: "fail";
      readonly name: string;
      readonly failure: Failure;
      readonly continueOnError: boolean;
      readonly hashes: readonly RecordedHash[];
    };

export interface RunStep extends PrepareStep {
  /** 1, 2, ...; durable before. */
  readonly attempt: number;
}

/** What happens while a step runs; leaves the host in order. */
export type StepEvent =
  | { readonly kind: "started"; readonly pid: number; readonly at: number }
  /** The log has grown to this many bytes of whole lines. */
  | { readonly kind: "log"; readonly bytes: number }
  | { readonly kind: "annotation"; readonly annotation: Annotation }
  /** A mask added at run time, sealed. */
  | { readonly kind: "mask"; readonly value: StepValue };

export interface Annotation {
  readonly level: "notice" | "warning" | "failure";
  readonly message: string;
  readonly title?: string;
  readonly file?: string;
  readonly line?: number;
  readonly endLine?: number;
  readonly column?: number;
  readonly endColumn?: number;
}

export interface StepResult {
  readonly attempt: number;
  /** Before continue-on-error. `skipped` does not occur. */
  readonly outcome: "success" | "failure" | "cancelled";
  readonly timedOut: boolean;
  readonly exitCode?: number;
  readonly signal?: string;
  /** For people, masked: why it failed. */
  readonly message?: string;
  readonly outputs: { readonly [name: string]: StepValue };
  readonly environment: readonly { readonly name: string; readonly value: StepValue }[];
  readonly path: readonly StepValue[];
  readonly masks: readonly StepValue[];
  readonly annotations: readonly Annotation[];
  /** Relative to the run's directory. */
  readonly log: { readonly file: string; readonly bytes: number; readonly lines: number };
  readonly summaryBytes: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** Post steps that this step has registered, in order of registration. */
  readonly posts: readonly RegisteredPost[];
  /** Of a pre step: what it has saved for its action's main and post. Absent: nothing. */
  readonly state?: SavedState["state"];
}

export interface RegisteredPost {
  /** Of the action that it belongs to; absent: of the step's own. */
  readonly place?: ActionPlace;
  readonly name: string;
  readonly condition: string;
  readonly state: { readonly [name: string]: StepValue };
  /** What the host needs to run it; opaque to the engine. */
  readonly action: JsonValue;
}

export interface CancelStep {
  readonly runId: string;
  readonly job: JobKey;
  readonly step: string;
}

export interface CancelledStep {
  /** Processes that could not be ended, with the reason. */
  readonly survivors: readonly { readonly pid: number; readonly reason: string }[];
}

/** B16: does the step's condition still hold now that the job is cancelled, against its own snapshot? */
export interface ReevaluateCondition extends PrepareStep {}

export interface EvaluateOutputs {
  readonly runId: string;
  readonly job: JobKey;
  readonly at: StepPosition;
  readonly values: readonly { readonly name: string; readonly value: TemplateToken }[];
}

export interface EvaluatedOutputs {
  readonly values: { readonly [name: string]: JsonValue };
  /** Dropped because they may contain a secret. */
  readonly skipped: readonly string[];
}

export interface InterruptedAttempt {
  readonly job: JobKey;
  readonly step: string;
  readonly attempt: number;
  /** How many of its processes were still alive. */
  readonly killed: number;
  /** What it has written; absent: nothing. */
  readonly log?: AttemptLog;
}

/** Where the log of an attempt without an end stands. */
export interface AttemptLog {
  /** Relative to the run's directory. */
  readonly file: string;
  readonly bytes: number;
}

/** What is left of a run after a crash of its engine. A step in neither list has not begun: its attempt number is free. */
export interface Leftovers {
  /** Steps whose end is in the spool: they have ended, whatever history says. */
  readonly ended: readonly { readonly job: JobKey; readonly step: string; readonly result: StepResult }[];
  /** Attempts that had begun and have no end; nothing of them is alive any more. */
  readonly interrupted: readonly InterruptedAttempt[];
}

export interface Host extends AsyncDisposable {
  openJob(request: OpenJob): Promise<OpenedJob>;
  prepareStep(request: PrepareStep): Promise<PreparedStep>;
  /**
   * Runs one attempt to its end. The end is in the spool before this resolves. SHUT_DOWN and STORE_IO (its log or its end
   * cannot be written) leave the attempt without an end: it was interrupted.
   */
  runStep(request: RunStep, onEvent: (event: StepEvent) => void): Promise<StepResult>;
  /** B10: returns when nothing of the step is left, or with the survivors. It finds every attempt that was asked for before it. */
  cancelStep(request: CancelStep): Promise<CancelledStep>;
  reevaluate(request: ReevaluateCondition): Promise<{ readonly holds: boolean }>;
  evaluateOutputs(request: EvaluateOutputs): Promise<EvaluatedOutputs>;
  /** Nothing of the job is asked for any more: its scripts and sockets go, its workspace stays. */
  closeJob(request: { readonly runId: string; readonly job: JobKey }): Promise<void>;
  /** After a crash: ends what is alive of the run's steps, reads the spool. */
  recover(request: { readonly runId: string; readonly runDirectory: string }): Promise<Leftovers>;
}
