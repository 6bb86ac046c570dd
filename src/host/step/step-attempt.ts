// One attempt of a step, from its log's first line to what it wrote: the part that `run` steps, actions, their inner
// steps and post steps share. Results gather here; nothing is published before the end (B4, B5).

import { appendFileSync, existsSync } from "node:fs";
import type { Annotation, RegisteredPost, SavedState, StepEvent, StepValue } from "../../model/host-port.ts";
import type { HostedJob } from "../job/hosted-job.ts";
import { prependPaths } from "../job/published-results.ts";
import { LogFile } from "../log-file.ts";
import type { ProcessEnd } from "../process/spawned-process.ts";
import { startProcess } from "../process/start-process.ts";
import { readMatcherFile } from "../read-matcher-file.ts";
import { StepOutput } from "../text/step-output.ts";
import { withEvidence } from "./begin-scripts.ts";
import { readCommandFiles } from "./read-command-files.ts";
import type { RunningStep } from "./running-step.ts";
import type { ScriptDirectories, ScriptDirectory } from "./script-directories.ts";

export interface AttemptOptions {
  readonly job: HostedJob;
  /** Its key. */
  readonly step: string;
  /** What its pre steps have saved. */
  readonly states: readonly SavedState[];
  readonly running: RunningStep;
  readonly scripts: ScriptDirectories;
  readonly marker: string;
  readonly beganFile: string;
  readonly logPath: string;
  readonly drainMs: number;
  readonly now: () => number;
  readonly onEvent: (event: StepEvent) => void;
  /** Called when a process has been started: this one has nothing else to do for a moment. */
  readonly whileItRuns: () => void;
  /** Makes a mask durable before anything more of the step's output is looked at. */
  readonly keepMask: (mask: StepValue) => void;
  readonly allowUnsecureCommands: boolean;
}

export interface RunProgram {
  readonly command: string;
  readonly args: readonly string[];
  /** Reads BASH_ENV: the evidence of the start costs no process of its own. */
  readonly readsBashEnv: boolean;
  readonly cwd: string;
  readonly env: { readonly [name: string]: string };
  readonly scripts: ScriptDirectory;
}

/** What one program of the attempt wrote and how it ended. */
export interface ProgramEnd extends ProcessEnd {
  readonly outputs: ReadonlyMap<string, string>;
  readonly state: ReadonlyMap<string, string>;
  /** Messages for people, masked, as the log has them; any of them fails the step. */
  readonly failures: readonly string[];
}

type Written = { readonly name: string; readonly value: string };

export class StepAttempt {
  readonly job: HostedJob;
  readonly options: AttemptOptions;
  readonly log: LogFile;
  readonly annotations: Annotation[] = [];
  readonly masks: StepValue[] = [];
  readonly environment: Written[] = [];
  readonly path: string[] = [];
  readonly posts: RegisteredPost[] = [];
  /** Of a pre step: what it saves for main and post. */
  state: ReadonlyMap<string, string> = new Map();
  /** Lines of our own. */
  readonly output: StepOutput;
  summaryBytes = 0;
  #began = false;

  constructor(options: AttemptOptions) {
    this.options = options;
    this.job = options.job;
    this.log = new LogFile(options.logPath, { onGrowth: (bytes) => options.onEvent({ kind: "log", bytes }) });
    this.output = this.#newOutput();
  }

  /** PATH additions of this attempt in front of those that it began with. */
  pathOver(before: readonly string[]): readonly string[] {
    return prependPaths(before, this.path);
  }

  environmentOver(before: { readonly [name: string]: string }): { readonly [name: string]: string } {
    if (this.environment.length === 0) return before;
    return { ...before, ...Object.fromEntries(this.environment.map(({ name, value }) => [name, value])) };
  }

  /** Runs one program to its end and reads what it left in its command files. */
  async run(program: RunProgram, isRepeated = false): Promise<ProgramEnd> {
    const { running, beganFile, onEvent, now } = this.options;
    // What the stop was for is told at the step's end.
    if (running.stopReason !== undefined)
      return { outputs: new Map(), state: new Map(), failures: ["The step was stopped before it began."] };
    const output = this.#began ? this.#newOutput() : this.output;
    const channels = [output.channel(), output.channel()] as const;
    const started = startProcess({
      ...withEvidence(program, { folder: program.scripts.host, beganFile, readsBashEnv: program.readsBashEnv }),
      cwd: program.cwd,
      onStdout: (bytes) => channels[0].push(bytes),
      onStderr: (bytes) => channels[1].push(bytes),
      drainMs: this.options.drainMs,
    });
    if (started.kind === "refused") {
      const error = await started.reason;
      const reason = existsSync(program.cwd) ? error.message : `the working directory ${program.cwd} is not there`;
      return this.refuse(`The step's process could not be started: ${reason}`);
    }
    running.started(started.process);
    if (!this.#began) onEvent({ kind: "started", pid: started.process.pid, at: now() });
    this.#began = true;
    this.log.hurry();
    this.options.whileItRuns();
    const end = await started.process.ended;
    await running.swept();
    for (const channel of channels) channel.end();
    if (running.stopReason === undefined && !isRepeated && this.#wasHitOnItsWay(started.process.pid, end)) return this.run(program, true);
    const read = readCommandFiles(program.scripts, output);
    this.environment.push(...read.environment);
    this.path.push(...read.path);
    this.#addSummary(read.summary);
    const mask = (text: string): string => this.job.masker.maskText(text);
    return { ...end, outputs: read.outputs, state: read.state, failures: [...output.failures, ...read.failures.map(mask)] };
  }

  /**
   * A Ctrl-C goes to all of the terminal's foreground group, and a process belongs to it until it has a session of its own.
   * One that it hits before has not begun, and is no failure of the step: the cancel that follows says what becomes of it.
   */
  #wasHitOnItsWay(pid: number, { signal }: ProcessEnd): boolean {
    return signal === "SIGINT" && !existsSync(`${this.options.beganFile}.${pid}`);
  }

  /** A program that was not started. */
  refuse(message: string): ProgramEnd {
    this.output.writeError(message);
    return { outputs: new Map(), state: new Map(), failures: [message] };
  }

  /** Beside the log, masked. */
  #addSummary(text: string): void {
    if (text === "") return;
    const bytes = this.job.masker.maskBytes(Buffer.from(text));
    appendFileSync(this.options.logPath.replace(/log$/, "summary.md"), bytes, { mode: 0o600, flag: this.summaryBytes === 0 ? "w" : "a" });
    this.summaryBytes += bytes.length;
  }

  #newOutput(): StepOutput {
    const { job, onEvent, keepMask } = this.options;
    const { workspace } = job.request.directories;
    return new StepOutput({
      masker: job.masker,
      matchers: job.matchers,
      write: (lines) => this.log.write(lines),
      debug: job.isDebug,
      allowUnsecureCommands: this.options.allowUnsecureCommands,
      workspace,
      readMatcherFile: (path) => readMatcherFile(workspace, path),
      fileExists: existsSync,
      onAnnotation: (annotation) => {
        this.annotations.push(annotation);
        onEvent({ kind: "annotation", annotation });
      },
      onMask: (value) => {
        const sealed = { sealed: job.sealer.seal(value) };
        keepMask(sealed);
        this.masks.push(sealed);
        onEvent({ kind: "mask", value: sealed });
      },
    });
  }
}
