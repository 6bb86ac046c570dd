// Runs as the commands see them: start, resume, read, cancel, remove. The commands render; everything below is here.

import type { WorkflowPlan } from "../../model/plan.ts";
import type { Conclusion, RunInputs, RunStatus, RunView, StreamedEvent } from "../../model/run-view.ts";
import type { RepositoryFacts } from "./github-context.ts";

export interface SessionEnvironment {
  /** The state directory: `--state`, else `$XDG_STATE_HOME/signalbox`, else `~/.local/state/signalbox`. */
  readonly stateDirectory: string;
  /** The top of the repository, or the working directory outside one. */
  readonly repository: string;
  readonly environment: { readonly [name: string]: string | undefined };
  /** A run will be started, so what takes time begins before it is known which. */
  readonly willStart?: boolean;
}

export interface GivenSecrets {
  /** `--secret NAME=v`, and `--secret NAME` from the environment. */
  readonly values: { readonly [name: string]: string };
  /** Where each came from: `option`, `environment`, `file:PATH`. */
  readonly sources: { readonly [name: string]: string };
}

export interface StartRequest {
  readonly plan: WorkflowPlan;
  /** The workflow file's absolute path and bytes; recorded. */
  readonly file: string;
  readonly source: Uint8Array;
  readonly inputs: RunInputs;
  readonly secrets: GivenSecrets;
  /** Notices to stand at the head of the event stream. */
  readonly notices: readonly string[];
  /** What git says about the repository, where that has been read already. */
  readonly git?: RepositoryFacts;
}

export interface ResumeRequest {
  readonly runId: string;
  readonly secrets: GivenSecrets;
  readonly onInterrupt?: RunInputs["options"]["onInterrupt"];
  /** Asks for a secret that is found nowhere; absent: there is no terminal to ask on. */
  readonly askSecret?: (name: string) => Promise<string>;
}

export interface RerunRequest extends ResumeRequest {
  /** Only the jobs that failed or were cancelled, and what needs them. */
  readonly failedOnly: boolean;
  /** The present files instead of the recorded ones. */
  readonly fresh: boolean;
}

export interface RunOutcome {
  readonly exitCode: number;
  readonly status: "completed" | "waiting" | "interrupted";
  readonly conclusion: Conclusion | null;
  readonly view: RunView;
}

/** A run that this process carries out. */
export interface RunSession {
  readonly runId: string;
  readonly directory: string;
  view(): RunView;
  /** Every event from now on, in order, after its commit. The first listener gets the head of the stream too. */
  onEvent(listener: (event: StreamedEvent) => void): void;
  /** Records a cancel request: always() and post steps run, for at most 5 minutes. */
  cancel(): Promise<void>;
  /** Ends all steps at once and leaves the run interrupted; a recorded cancel request stays recorded. */
  interrupt(): Promise<void>;
  readonly done: Promise<RunOutcome>;
}

export interface RunSummary {
  readonly id: string;
  readonly file: string;
  readonly name: string;
  readonly event: string;
  readonly status: RunStatus;
  readonly conclusion: Conclusion | null;
  readonly createdAt: string;
  readonly endedAt: string | null;
  readonly directory: string;
  /** The process that carries it out, if one is alive. */
  readonly pid: number | null;
}

/** A run looked at from outside, alive or dead. */
export interface RunReader extends AsyncDisposable {
  readonly summary: RunSummary;
  view(): Promise<RunView>;
  /** From a position on; with `follow` until the run ends or its process does. */
  events(options: { readonly fromSeq?: number; readonly follow?: boolean; readonly signal?: AbortSignal }): AsyncIterable<StreamedEvent>;
}

export interface Sessions {
  start(request: StartRequest): Promise<RunSession>;
  resume(request: ResumeRequest): Promise<RunSession>;
  rerun(request: RerunRequest): Promise<RunSession>;
  /** Newest first. */
  list(): Promise<readonly RunSummary[]>;
  /** `latest`, an id, or a unique beginning of one; NOT_FOUND otherwise, with what is there. */
  find(run: string): Promise<RunSummary>;
  read(runId: string): Promise<RunReader>;
  /** Asks a live run to cancel; opens an interrupted one, ends leftovers, runs what must run, concludes `cancelled`. */
  cancel(runId: string): Promise<RunOutcome | "requested">;
  remove(runId: string): Promise<void>;
  prune(options: { readonly keep?: number; readonly olderThanMs?: number }): Promise<readonly string[]>;
}
