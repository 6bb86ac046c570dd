// The command line: what there is and what it is called. Each command's code is loaded when it is run.

import { Command, CommanderError, Option } from "commander";
import type { CommandContext } from "./command-context.ts";
import { EXIT, reportError } from "./exit-codes.ts";
import {
  actionFolder,
  durationMs,
  inputValue,
  matrixFilter,
  namedValue,
  nameOrNamedValue,
  nonNegativeInteger,
  positiveInteger,
  repeated,
} from "./options/parsers.ts";
import { UI_KINDS } from "./options/ui.ts";
import { addServerCommands, type ProgramContext } from "./server-program.ts";

/** What a command returns is the process's exit code. */
type Action = Promise<number>;

export async function runProgram(args: readonly string[], context: ProgramContext): Promise<number> {
  let exitCode: number = EXIT.success;
  const program = buildProgram(context, async (action) => {
    exitCode = await action;
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    // Commander has printed what it has to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.success : EXIT.usage;
    return reportError(error, context);
  }
}

export function buildProgram(context: ProgramContext, end: (action: Action) => Promise<void>): Command {
  const { terminal } = context;
  const program = new Command("signalbox")
    .description("Runs GitHub Actions workflow files on this machine, durably: what is killed goes on from the very step.")
    .version(context.version, "-V, --version")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.write(text),
      writeErr: (text) => terminal.writeError(text),
      getOutHelpWidth: () => Math.min(terminal.columns(), 100),
      getErrHelpWidth: () => Math.min(terminal.columns(), 100),
      outputError: (text, write) => write(`signalbox: ${text.replace(/^error: /, "")}`),
    })
    .showSuggestionAfterError()
    .showHelpAfterError("signalbox --help shows what there is.");
  addRunCommands(program, context, end);
  addLookCommands(program, context, end);
  addCareCommands(program, context, end);
  addServerCommands(program, context, end);
  return program;
}

type End = (action: Action) => Promise<void>;

function addRunCommands(program: Command, context: CommandContext, end: End): void {
  secretOptions(program.command("run"))
    .description("run a workflow file")
    .argument("[file]", "workflow file; without it the only one in .github/workflows, or a choice")
    .option("--job <id>", "run this job and what it needs; may be repeated", repeated)
    .option("--matrix <key:value>", "only matrix cells with this value; may be repeated", matrixFilter)
    .option("--event <name>", "the event that starts the run; its filters then count")
    .option("--event-file <file>", "JSON payload of the event")
    .option("--input <name=value>", "an input of workflow_dispatch; may be repeated", inputValue)
    .option("--var <name=value>", "a configuration variable (vars.NAME); may be repeated", namedValue)
    .option("--env <name[=value]>", "give steps this environment variable; may be repeated", nameOrNamedValue("--env"))
    .option("--inherit-env", "give steps the whole environment of this terminal")
    .option("--action <owner/repo@ref=dir>", "use the action in this folder for 'uses: owner/repo@ref'; may be repeated", actionFolder)
    .option("--in-place", "run in the working tree itself, one job after the other")
    .option("--max-jobs <n>", "how many jobs run at once (default: number of CPUs)", positiveInteger(1000))
    .addOption(intOption("--max-background <n>", "how many background steps of a job run at once", 1000).default(10))
    .addOption(new Option("--unsupported <what>", "jobs that this machine cannot run").choices(["fail", "skip"]).default("fail"))
    .addOption(interruptOption().default("rerun"))
    .action((file, options) => end(import("./commands/run.ts").then(({ run }) => run(file, withUi(options), context))));

  secretOptions(program.command("resume"))
    .description("go on with an interrupted run, from the very step")
    .argument("[run]", "the run; without it the only interrupted one")
    .option("--all", "resume every interrupted run, the oldest first")
    .addOption(interruptOption())
    .action((run, options) => end(import("./commands/resume.ts").then(({ resume }) => resume(run, withUi(options), context))));

  secretOptions(program.command("rerun"))
    .description("run a run again, as a new run")
    .argument("<run>", RUN_ARGUMENT)
    .option("--failed", "only the jobs that failed or were cancelled, and what needs them")
    .option("--fresh", "with the files as they are now, not as they were recorded")
    .addOption(interruptOption())
    .action((run, options) => end(import("./commands/rerun.ts").then(({ rerun }) => rerun(run, withUi(options), context))));

  stateOption(program.command("cancel"))
    .description("cancel a run; its always() and post steps still run")
    .argument("<run>", RUN_ARGUMENT)
    .action((run, options) => end(import("./commands/cancel.ts").then(({ cancel }) => cancel(run, options, context))));
}

function addLookCommands(program: Command, context: CommandContext, end: End): void {
  program
    .command("plan")
    .description("show what a run would do, without running it")
    .argument("[file]", "workflow file")
    .option("--job <id>", "only this job and what it needs; may be repeated", repeated)
    .option("--json", "the plan as JSON")
    .action((file, options) => end(import("./commands/plan.ts").then(({ plan }) => plan(file, options, context))));

  program
    .command("validate")
    .description("check workflow files")
    .argument("[files...]", "workflow files")
    .option("--json", "what was found as JSON")
    .action((files, options) => end(import("./commands/validate.ts").then(({ validate }) => validate(files, options, context))));

  stateOption(program.command("list"))
    .description("list the runs of this repository, newest first")
    .option("--json", "as JSON")
    .option("-q, --quiet", "only the ids")
    .action((options) => end(import("./commands/list.ts").then(({ list }) => list(options, context))));

  stateOption(program.command("show"))
    .description("show a run: jobs, steps and their times")
    .argument("<run>", RUN_ARGUMENT)
    .option("--json", "the run as JSON")
    .option("--events", "its event stream as NDJSON")
    .option("--from-seq <n>", "events from this position on", nonNegativeInteger)
    .action((run, options) => end(import("./commands/show.ts").then(({ show }) => show(run, options, context))));

  stateOption(program.command("logs"))
    .description("show what the steps of a run wrote")
    .argument("<run>", RUN_ARGUMENT)
    .option("-f, --follow", "go on until the run ends")
    .option("--job <job>", "only this job: its key or name")
    .option("--step <step>", "only this step: its id, number or name")
    .action((run, options) => end(import("./commands/logs.ts").then(({ logs }) => logs(run, options, context))));
}

function addCareCommands(program: Command, context: CommandContext, end: End): void {
  stateOption(program.command("rm"))
    .description("remove runs with all that they have on disk")
    .argument("<runs...>", "the runs")
    .action((runs, options) => end(import("./commands/remove.ts").then(({ remove }) => remove(runs, options, context))));

  stateOption(program.command("prune"))
    .description("remove old runs that have ended")
    .option("--keep <n>", "keep the newest n", nonNegativeInteger)
    .option("--older-than <duration>", "only those that ended longer ago: 12h, 7d", durationMs)
    .action((options) => end(import("./commands/remove.ts").then(({ prune }) => prune(options, context))));

  stateOption(program.command("doctor"))
    .description("check whether this machine can run workflows")
    .option("--json", "as JSON")
    .action((options) => end(import("./commands/doctor.ts").then(({ doctor }) => doctor(options, context))));

  program
    .command("completion")
    .description("print a completion script")
    .argument("<shell>", "bash, zsh or fish")
    .action((shell) => end(import("./commands/completion.ts").then(({ completion }) => completion(shell, program, context))));
}

const RUN_ARGUMENT = "id of the run, the beginning of one, or 'latest'";

function stateOption(command: Command): Command {
  return command.option("--state <dir>", "where runs are kept (default: $XDG_STATE_HOME/signalbox)");
}

function secretOptions(command: Command): Command {
  return stateOption(command)
    .option("--secret <name[=value]>", "a secret, without value from the environment; may be repeated", nameOrNamedValue("--secret"))
    .option("--secrets-file <file>", "secrets as lines NAME=value")
    .addOption(new Option("--ui <kind>", "how the run is shown").choices([...UI_KINDS]).default("tree"))
    .option("--json", "the same as --ui json: events as NDJSON");
}

function interruptOption(): Option {
  return new Option("--on-interrupt <what>", "what becomes of steps that were interrupted").choices(["rerun", "rerun-job", "fail"]);
}

function intOption(flags: string, description: string, most: number): Option {
  return new Option(flags, description).argParser(positiveInteger(most));
}

function withUi<Options extends { readonly json?: boolean }>(options: Options): Options {
  return options.json === true ? { ...options, ui: "json" } : options;
}
