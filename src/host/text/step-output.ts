// What a step prints: its workflow commands take effect, the rest becomes its log. State is per step (B19): stopped
// commands, echo, running matches. The step's streams share it, each with lines of its own.

import type { Annotation } from "../../model/host-port.ts";
import { ANNOTATIONS_PER_LEVEL, type AnnotationLevel, commandAnnotation } from "./annotation.ts";
import type { FileEntry } from "./command-files.ts";
import type { Masker } from "./masker.ts";
import { type MatcherConfig, parseMatcherFile } from "./matcher-file.ts";
import { type LineConsumer, OutputChannel } from "./output-channel.ts";
import { problemAnnotation } from "./problem-annotation.ts";
import { type ProblemMatchers, ProblemScanner, stripColors } from "./problem-matchers.ts";
import { parseWorkflowCommand, type WorkflowCommand } from "./workflow-command.ts";

export interface StepOutputOptions {
  /** The job's. */
  readonly masker: Masker;
  /** The job's. */
  readonly matchers: ProblemMatchers;
  /** Masked bytes of whole lines, for the log. */
  readonly write: (lines: Buffer) => void;
  /** ACTIONS_STEP_DEBUG. */
  readonly debug: boolean;
  /** ACTIONS_ALLOW_UNSECURE_COMMANDS. */
  readonly allowUnsecureCommands: boolean;
  /** GITHUB_WORKSPACE. */
  readonly workspace: string;
  /** The text of a matcher file, relative to the workspace or absolute. Throws an error for people. */
  readonly readMatcherFile: (path: string) => string;
  readonly fileExists: (path: string) => boolean;
  /** An annotation, masked; a mask, plain and already in force. */
  readonly onAnnotation?: (annotation: Annotation) => void;
  readonly onMask?: (value: string) => void;
}

/** Shown in the log by these tags, as on GitHub. */
const TAGS = { notice: "##[notice]", warning: "##[warning]", failure: "##[error]" } as const;

const COMMANDS = [
  "add-mask",
  "add-matcher",
  "add-path",
  "debug",
  "echo",
  "endgroup",
  "error",
  "group",
  "notice",
  "remove-matcher",
  "save-state",
  "set-env",
  "set-output",
  "stop-commands",
  "warning",
] as const;
type CommandName = (typeof COMMANDS)[number];

/** These show in the log what they must, or must not be shown. */
const NOT_ECHOED: ReadonlySet<CommandName> = new Set(["add-mask", "debug", "error", "notice", "warning"]);

class CommandError extends Error {}

export class StepOutput {
  readonly outputs = new Map<string, string>();
  readonly state = new Map<string, string>();
  /** `set-env` and `add-path`, where they are allowed, in order. */
  readonly environment: FileEntry[] = [];
  readonly path: string[] = [];
  /** Values of add-mask that were new, in order. */
  readonly masks: string[] = [];
  readonly annotations: Annotation[] = [];
  /** Commands that could not be processed: the step fails by them. Masked. */
  readonly failures: string[] = [];
  readonly #options: StepOutputOptions;
  readonly #perLevel = { notice: 0, warning: 0, failure: 0 };
  #stopToken: string | undefined;
  #echo = false;

  constructor(options: StepOutputOptions) {
    this.#options = options;
    this.#echo = options.debug;
  }

  /** One of the step's streams. */
  channel(): OutputChannel {
    const scanner = new ProblemScanner(this.#options.matchers);
    const consumer: LineConsumer = {
      masker: this.#options.masker,
      write: this.#options.write,
      readsEveryLine: () => scanner.isActive,
      readLine: (line) => this.#readCommand(line) || this.#readProblem(scanner, line),
      commandTooLong: () => this.#fail("A workflow command on the step's output is too long and was dropped."),
    };
    return new OutputChannel(consumer);
  }

  /** A line of our own in the step's log, such as "##[group]Run make". It is masked, and no command. */
  writeLine(text: string): void {
    this.#options.write(this.#options.masker.maskBytes(Buffer.from(`${text}\n`)));
  }

  /** An error of the step itself: shown in the log, and an annotation as far as GitHub keeps them. */
  writeError(message: string): void {
    this.#annotate("failure", new Map(), message);
  }

  writeWarning(message: string): void {
    this.#annotate("warning", new Map(), message);
  }

  #readCommand(line: string): boolean {
    const token = this.#stopToken;
    const isRegistered = (name: string) => name === token || isCommandName(name);
    const command = line.includes("::") || line.includes("##[") ? parseWorkflowCommand(line, isRegistered) : undefined;
    if (command === undefined) return false;
    if (token !== undefined) {
      if (command.name !== token) return false;
      this.writeLine(line);
      this.#stopToken = undefined;
      this.#debug("Resume processing commands");
      return true;
    }
    const name = command.name;
    if (!isCommandName(name)) return false;
    const shown = NOT_ECHOED.has(name) ? name : line;
    if (this.#echo && !NOT_ECHOED.has(name) && name !== "stop-commands") this.writeLine(line);
    try {
      this.#run(name, command, line);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#fail(`Unable to process command '${shown}' successfully.`, error.message);
    }
    return true;
  }

  #run(name: CommandName, command: WorkflowCommand, line: string): void {
    const { data, properties } = command;
    switch (name) {
      case "add-mask":
        return this.#addMask(data);
      case "debug":
        return this.#debug(data);
      case "notice":
      case "warning":
        return this.#annotate(name, properties, data);
      case "error":
        return this.#annotate("failure", properties, data);
      case "group":
        return this.writeLine(`##[group]${data}`);
      case "endgroup":
        return this.writeLine("##[endgroup]");
      case "stop-commands":
        return this.#stop(data, line);
      case "echo":
        return this.#setEcho(data);
      case "set-output":
        this.outputs.set(requireName(command), data);
        return;
      case "save-state":
        this.state.set(requireName(command), data);
        return;
      case "set-env":
        return this.#setEnvironment(command);
      case "add-path":
        return this.#addPath(data);
      case "add-matcher":
        return this.#addMatchers(data);
      case "remove-matcher":
        return this.#removeMatchers(properties.get("owner") ?? "", data);
      default:
        name satisfies never;
    }
  }

  #addMask(value: string): void {
    if (value.trim() === "") return this.#annotate("warning", new Map(), "Can't add secret mask for empty string in ##[add-mask] command.");
    const isNew = this.#options.masker.add(value);
    if (this.#echo) this.writeLine("::add-mask::***");
    if (!isNew) return;
    this.masks.push(value);
    this.#options.onMask?.(value);
  }

  #debug(message: string): void {
    if (this.#options.debug) this.writeLine(`##[debug]${message}`);
  }

  #annotate(level: AnnotationLevel, properties: ReadonlyMap<string, string>, message: string): void {
    const { masker, workspace } = this.#options;
    this.writeLine(`${TAGS[level]}${message}`);
    this.#record(commandAnnotation(level, properties, message, workspace, (text) => masker.maskText(text)));
  }

  #record(annotation: Annotation): void {
    if (++this.#perLevel[annotation.level] > ANNOTATIONS_PER_LEVEL) return;
    this.annotations.push(annotation);
    this.#options.onAnnotation?.(annotation);
  }

  #fail(...messages: readonly string[]): void {
    for (const message of messages) {
      this.failures.push(this.#options.masker.maskText(message));
      this.writeError(message);
    }
  }

  #stop(token: string, line: string): void {
    const name = token.toLowerCase();
    if (name === "" || isCommandName(name)) {
      throw new CommandError(
        `Invoked ::stop-commands:: with the token '${token}': it must not be empty or the name of a command. Use a random one.`,
      );
    }
    this.writeLine(line);
    this.#stopToken = name;
    this.#debug(`Paused processing commands until '##[${token}]' is received`);
  }

  #setEcho(value: string): void {
    const mode = value.trim().toLowerCase();
    if (mode !== "on" && mode !== "off") {
      throw new CommandError(`Invalid echo command value. Possible values can be: 'on', 'off'. Current value is: '${value}'.`);
    }
    this.#echo = mode === "on";
  }

  #setEnvironment(command: WorkflowCommand): void {
    this.#requireUnsecure("set-env");
    const name = requireName(command);
    if (name.toUpperCase() === "NODE_OPTIONS") {
      return this.#annotate("failure", new Map(), "Can't update NODE_OPTIONS environment variable using ::set-env:: command.");
    }
    this.environment.push({ name, value: command.data });
  }

  #addPath(folder: string): void {
    this.#requireUnsecure("add-path");
    if (folder === "") throw new CommandError("Value cannot be null or empty. (Parameter 'path')");
    this.path.push(folder);
  }

  #requireUnsecure(name: string): void {
    if (this.#options.allowUnsecureCommands) return;
    throw new CommandError(
      `The \`${name}\` command is disabled. Please upgrade to using Environment Files or opt into unsecure command execution by ` +
        "setting the `ACTIONS_ALLOW_UNSECURE_COMMANDS` environment variable to `true`. For more information see: " +
        "https://github.blog/changelog/2020-10-01-github-actions-deprecating-set-env-and-add-path-commands/",
    );
  }

  #addMatchers(file: string): void {
    if (file === "") return this.#annotate("warning", new Map(), "File path must be specified.");
    for (const config of this.#readMatchers(file)) this.#options.matchers.add(config);
  }

  #removeMatchers(owner: string, file: string): void {
    if ((owner === "") === (file === "")) {
      const message = owner
        ? "Either specify an owner name or a file path in ##[remove-matcher] command. Both values cannot be set."
        : "Either an owner name or a file path must be specified in ##[remove-matcher] command.";
      return this.#annotate("warning", new Map(), message);
    }
    const owners = owner ? [owner] : this.#readMatchers(file).map((config) => config.owner);
    for (const name of owners) this.#options.matchers.remove(name);
  }

  #readMatchers(file: string): readonly MatcherConfig[] {
    return parseMatcherFile(this.#options.readMatcherFile(file), file);
  }

  #readProblem(scanner: ProblemScanner, line: string): boolean {
    if (!scanner.isActive) return false;
    const stripped = stripColors(line);
    const match = scanner.match(stripped);
    const { masker, workspace, fileExists } = this.#options;
    const annotation = match && problemAnnotation(match, workspace, fileExists, (text) => masker.maskText(text));
    if (annotation === undefined) return false;
    this.writeLine(`${TAGS[annotation.level]}${stripped}`);
    this.#record(annotation);
    return true;
  }
}

function isCommandName(name: string): name is CommandName {
  return (COMMANDS as readonly string[]).includes(name);
}

function requireName(command: WorkflowCommand): string {
  const name = command.properties.get("name");
  if (!name) throw new CommandError(`Required field 'name' is missing in ##[${command.name}] command.`);
  return name;
}
