// A run that this process carries out, from the open engine to its end. There are three ways out: the run ends; the
// person interrupts it; something under it breaks. Each leaves the run's directory such that the next process can go on.

import type { Engine } from "../../loops/engine.ts";
import { isSignalboxError, SignalboxError } from "../../model/errors.ts";
import type { Host } from "../../model/host-port.ts";
import type { Conclusion, RunView, StreamedEvent } from "../../model/run-view.ts";
import { CANCEL_EVENT } from "../../workflow/run/records.ts";
import type { RunProjector } from "../../workflow/view/run-projector.ts";
import type { ControlHandlers } from "./control-protocol.ts";
import type { ControlServer } from "./control-server.ts";
import { interruptedView } from "./interrupted-view.ts";
import type { Journal } from "./journal.ts";
import type { RunPaths } from "./run-directory.ts";
import type { RunGroups } from "./run-groups.ts";
import { removeOwner } from "./run-owner.ts";
import { type RunFile, writeRunFile } from "./run-record.ts";
import type { RunStream } from "./run-stream.ts";
import type { RunOutcome, RunSession } from "./session.ts";
import { type TakenOver, withTakenOver } from "./taken-over.ts";

const EXIT_INTERRUPTED = 130;

export interface LiveRunParts {
  readonly record: RunFile;
  readonly paths: RunPaths;
  readonly projector: RunProjector;
  readonly journal: Journal;
  readonly stream: RunStream;
  readonly groups: RunGroups;
  readonly taken: TakenOver;
  readonly now: () => number;
}

/** What is opened last, and closed first. */
export interface RunningParts {
  readonly engine: Engine;
  readonly host: Host;
  readonly control: ControlServer;
  /** What else ends with the process's hold on the run. */
  readonly others: readonly Disposable[];
}

export class LiveRun implements RunSession {
  readonly runId: string;
  readonly directory: string;
  readonly done: Promise<RunOutcome>;
  readonly #parts: LiveRunParts;
  readonly #done = Promise.withResolvers<RunOutcome>();
  readonly #running = Promise.withResolvers<RunningParts>();
  /** The first reason to end decides how. */
  #ending: Promise<void> | undefined;
  #isCancelRequested = false;

  constructor(parts: LiveRunParts) {
    this.#parts = parts;
    this.runId = parts.record.id;
    this.directory = parts.paths.directory;
    this.done = this.#done.promise;
    // Whoever awaits `done` hears of it; nobody has to.
    this.done.catch(() => {});
    this.#running.promise.catch(() => {});
  }

  view(): RunView {
    return withTakenOver(this.#parts.projector.view(), this.#parts.taken);
  }

  onEvent(listener: (event: StreamedEvent) => void): void {
    this.#parts.journal.listen(listener);
  }

  /** The engine is open, and the run's root is started in it. */
  run(running: RunningParts): void {
    this.#running.resolve(running);
    void this.#follow(running.engine);
  }

  async cancel(reason = "The run was cancelled."): Promise<void> {
    this.#isCancelRequested = true;
    await this.#raiseCancel(this.runId, reason);
  }

  async interrupt(): Promise<void> {
    await this.#end(async ({ engine, host }) => {
      // Nothing that the end of the processes brings about is recorded: the steps are interrupted, not failed.
      await engine.close({ drainMs: 0 });
      await host[Symbol.asyncDispose]();
      return { exitCode: EXIT_INTERRUPTED, status: "interrupted", conclusion: null, view: interruptedView(this.view()) };
    });
  }

  /** Something that the run cannot go on without has failed. */
  fail(problem: unknown): void {
    const fault = isSignalboxError(problem) ? problem : new SignalboxError("INTERNAL", messageOf(problem), { cause: problem });
    const breakOff = async ({ engine, host }: RunningParts): Promise<never> => {
      // The engine first, as at an interruption: what the host ends is not recorded as failed.
      await Promise.allSettled([engine.close({ drainMs: 0 })]);
      await Promise.allSettled([host[Symbol.asyncDispose]()]);
      throw fault;
    };
    void this.#end(breakOff);
  }

  /** What other processes may ask of the run. */
  readonly control: ControlHandlers = {
    ping: () => ({ runId: this.runId, pid: process.pid }),
    cancel: async (reason, holder) => {
      if (holder === undefined || holder === this.runId) await this.cancel(reason);
      else await this.#raiseCancel(holder, reason);
    },
    view: () => this.view(),
    follow: (listener) => ({ nextSeq: this.#parts.journal.seq, stop: this.#parts.journal.join(listener) }),
    hint: () => this.#parts.groups.wake(),
  };

  async #raiseCancel(instanceId: string, reason: string): Promise<void> {
    const { engine } = await this.#running.promise;
    if (this.#ending === undefined) await engine.raiseEvent(instanceId, CANCEL_EVENT, { reason });
  }

  async #follow(engine: Engine): Promise<void> {
    const ended = engine.waitForCompletion(this.runId);
    const stopped = engine.stopped.then((fault) => {
      throw fault ?? new SignalboxError("SHUT_DOWN", "The engine was closed before the run had ended.");
    });
    try {
      await Promise.race([ended, stopped]);
    } catch (error) {
      return this.fail(error);
    } finally {
      stopped.catch(() => {});
      ended.catch(() => {});
    }
    await this.#end(({ engine: open, host }) => this.#conclude(open, host));
  }

  async #conclude(engine: Engine, host: Host): Promise<RunOutcome> {
    const { record, paths, groups, now } = this.#parts;
    await Promise.all([engine.close(), host[Symbol.asyncDispose]()]);
    const view = this.view();
    writeRunFile(paths.record, { ...record, end: { status: "completed", conclusion: view.conclusion, at: new Date(now()).toISOString() } });
    groups.releaseAll();
    return { exitCode: exitCodeOf(view.conclusion, this.#isCancelRequested), status: "completed", conclusion: view.conclusion, view };
  }

  #end(how: (running: RunningParts) => Promise<RunOutcome>): Promise<void> {
    this.#ending ??= this.#leave(how);
    return this.#ending;
  }

  async #leave(how: (running: RunningParts) => Promise<RunOutcome>): Promise<void> {
    const running = await this.#running.promise;
    try {
      const outcome = await how(running);
      await this.#close(running);
      this.#done.resolve(outcome);
    } catch (error) {
      await this.#close(running).catch(() => {});
      this.#done.reject(error);
    }
  }

  async #close({ control, others }: RunningParts): Promise<void> {
    const { stream, journal, groups, paths } = this.#parts;
    await control[Symbol.asyncDispose]();
    removeOwner(paths.owner);
    for (const resource of [stream, groups, ...others, journal]) resource[Symbol.dispose]();
  }
}

function exitCodeOf(conclusion: Conclusion | null, isCancelRequested: boolean): number {
  // A cancel that came when nothing was left to cancel changes nothing; one that all jobs were skipped by does.
  if (conclusion === "cancelled" || (conclusion === "skipped" && isCancelRequested)) return 3;
  return conclusion === "success" || conclusion === "skipped" ? 0 : 1;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
