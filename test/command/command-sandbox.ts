// A person's machine in a temporary folder: a repository, a home, and the command run in it as a process.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openSessions } from "../../src/cli/session/open-sessions.ts";
import type { RunSummary, Sessions } from "../../src/cli/session/session.ts";
import type { RunView, StepView, StreamedEvent } from "../../src/model/run-view.ts";
import { isThere, processesOf } from "./step-processes.ts";

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly errors: string;
}

export interface StartOptions {
  readonly environment?: { readonly [name: string]: string };
  /** Instead of the command: another composition of it. */
  readonly program?: string;
  /** Where it is started; default: in the repository. */
  readonly directory?: string;
  /** A command that starts the command, such as `["bash", "-c", 'exec "$@"', "bash"]`. */
  readonly through?: readonly string[];
  /** Another user, in the group of the same number. */
  readonly uid?: number;
  /** Commands that know no runs take no `--state`. */
  readonly hasState?: boolean;
}

export class CommandSandbox implements Disposable {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), "signalbox-sandbox-")));
  readonly repository = join(this.root, "repository");
  readonly state = join(this.root, "state");
  /** A line for each attempt that began, written by itself as its first act. */
  readonly ledgerFile = join(this.root, "ledger");
  readonly environment: { readonly [name: string]: string };
  readonly #program: string;
  readonly #commands: Command[] = [];

  constructor(program: string, files: { readonly [path: string]: string }) {
    this.#program = program;
    this.environment = {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      HOME: join(this.root, "home"),
      XDG_RUNTIME_DIR: join(this.root, "run"),
      XDG_DATA_HOME: join(this.root, "data"),
      TMPDIR: tmpdir(),
    };
    for (const folder of ["repository", "home", "run", "data", "state"]) mkdirSync(join(this.root, folder));
    writeFileSync(this.ledgerFile, "");
    for (const [path, text] of Object.entries(files)) this.write(path, text);
    const git = (...args: readonly string[]) =>
      execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", ...args], { cwd: this.repository });
    git("init", "--quiet", "--initial-branch=main");
    git("add", ".");
    git("commit", "--quiet", "--message=files");
  }

  write(path: string, content: string | Uint8Array): void {
    const file = join(this.repository, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  start(args: readonly string[], options: StartOptions = {}): Command {
    const [command = "", ...rest] = args;
    const state = options.hasState === false ? [] : ["--state", this.state];
    const all = [...(options.through ?? []), process.execPath, options.program ?? this.#program, command, ...state, ...rest];
    const [first = process.execPath, ...others] = all;
    const started = new Command(
      spawn(first, others, {
        cwd: options.directory ?? this.repository,
        env: { ...this.environment, ...options.environment },
        stdio: ["ignore", "pipe", "pipe"],
        ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
      }),
    );
    this.#commands.push(started);
    return started;
  }

  /** `run`, with what steps need: where the ledger lies, and whose they are. */
  startRun(file: string, args: readonly string[] = [], options: StartOptions = {}): Command {
    return this.start(["run", file, "--env", `LEDGER=${this.ledgerFile}`, "--env", `SANDBOX=${this.root}`, ...args], options);
  }

  async run(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
    return this.start(args, options).ended;
  }

  sessions(): Promise<Sessions> {
    return openSessions({ stateDirectory: this.state, repository: this.repository, environment: this.environment });
  }

  /** The only run, or the latest; undefined: there is none. */
  async latest(): Promise<RunSummary | undefined> {
    return (await (await this.sessions()).list())[0];
  }

  async view(): Promise<RunView> {
    const sessions = await this.sessions();
    await using reader = await sessions.read((await sessions.find("latest")).id);
    return await reader.view();
  }

  ledger(): readonly string[] {
    return readFileSync(this.ledgerFile, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  }

  /** Every file that the run keeps, but what steps themselves wrote into their workspaces and temporary folders. */
  stateFiles(): readonly string[] {
    return readdirSync(this.state, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/\/work(\/|$)/.test(entry.parentPath))
      .map((entry) => join(entry.parentPath, entry.name));
  }

  /** Resolves when a step has made this file in $SANDBOX; rejects if its command ends before. */
  async made(name: string, command: Command): Promise<string> {
    const file = join(this.root, name);
    const end = command.ended.then(({ exitCode, output, errors }) => {
      if (!existsSync(file)) throw new Error(`the command ended with ${exitCode} before ${name} was there:\n${output}${errors}`);
    });
    const stop = new AbortController();
    try {
      for (const watcher = watch(this.root, { signal: stop.signal }); !existsSync(file); )
        await Promise.race([once(watcher, "change"), end]);
    } finally {
      stop.abort();
      end.catch(() => {});
    }
    return readFileSync(file, "utf8").trim();
  }

  remove(name: string): void {
    rmSync(join(this.root, name), { recursive: true, force: true });
  }

  /** Processes of the sandbox's runs that are alive. */
  processes(): ReturnType<typeof processesOf> {
    return processesOf(this.root);
  }

  [Symbol.dispose](): void {
    for (const command of this.#commands) command.kill("SIGKILL");
    for (const { pid } of this.processes()) if (isThere(pid)) process.kill(pid, "SIGKILL");
    rmSync(this.root, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A running command. */
export class Command {
  readonly ended: Promise<Ended>;
  readonly pid: number;
  readonly #child: ChildProcess;
  #output = "";
  #errors = "";
  #hasEnded = false;
  #heard: () => void = () => {};

  constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#output += text;
      this.#heard();
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#errors += text;
      this.#heard();
    });
    this.ended = new Promise((resolve) =>
      child.once("close", (exitCode, signal) => {
        this.#hasEnded = true;
        this.#heard();
        resolve({ exitCode, signal, output: this.#output, errors: this.#errors });
      }),
    );
  }

  /** What it has written to standard output so far. */
  get output(): string {
    return this.#output;
  }

  /** Resolves when the command has printed this; rejects if it ends before. */
  async prints(text: string): Promise<void> {
    while (!this.#output.includes(text) && !this.#errors.includes(text)) {
      if (this.#hasEnded) throw new Error(`the command ended before it printed "${text}":\n${this.#output}${this.#errors}`);
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async killed(): Promise<Ended> {
    this.kill("SIGKILL");
    return this.ended;
  }
}

export function eventsIn(output: string): readonly StreamedEvent[] {
  return output
    .split("\n")
    .filter((line) => line !== "")
    .map((line): StreamedEvent => JSON.parse(line));
}

export function stepIn(view: RunView, id: string, job?: string): StepView {
  const found = view.jobs
    .filter(({ key }) => job === undefined || key === job)
    .flatMap(({ steps }) => steps.filter((step) => step.id === id));
  const [step] = found;
  if (step === undefined) throw new Error(`the run has no step ${id}`);
  return step;
}
