// `serve` and `instances` on the command line.

import { type Command, Option } from "commander";
import type { CommandContext } from "./command-context.ts";
import { moment, statusValue } from "./instances/instance-options.ts";
import { byteSize, durationMs, positiveInteger } from "./options/parsers.ts";
import { listenAddress, listenAddressOrOff } from "./server/addresses.ts";
import { refuseToken } from "./server/token-option.ts";
import type { ServerCommands } from "./server-commands.ts";

/** What the program is given beside what its commands are. */
export interface ProgramContext extends CommandContext {
  /** They are loaded when one of them is run. */
  readonly loadServerCommands: () => Promise<ServerCommands>;
}

type End = (action: Promise<number>) => Promise<void>;

export function addServerCommands(program: Command, context: ProgramContext, end: End): void {
  const run = (command: (commands: ServerCommands) => Promise<number>): Promise<void> => end(context.loadServerCommands().then(command));
  addServe(program, context, run);
  addInstances(program, context, run);
}

type Run = (command: (commands: ServerCommands) => Promise<number>) => Promise<void>;

function addServe(program: Command, context: CommandContext, run: Run): void {
  tokenOptions(program.command("serve"))
    .description("run a Durable Task server that the SDKs of JavaScript, Python, .NET and Java connect to")
    .addOption(
      new Option("--listen <host:port>", "where it serves gRPC")
        .argParser(listenAddress)
        .default({ host: "127.0.0.1", port: 4001 }, "127.0.0.1:4001"),
    )
    .addOption(
      new Option("--http <host:port>", "where it serves health and metrics, or 'off'")
        .argParser(listenAddressOrOff)
        .default({ host: "127.0.0.1", port: 4002 }, "127.0.0.1:4002"),
    )
    .option("--store <file>", "file, or postgres://... (default: $XDG_STATE_HOME/signalbox/serve/signalbox.db)")
    .option("--tls-cert <file>", "PEM certificate; with --tls-key it serves TLS")
    .option("--tls-key <file>", "PEM key of the certificate")
    .option("--tls-client-ca <file>", "PEM authority: only clients with a certificate of it are served")
    .option("--retention <duration>", "purge instances that ended longer ago: 12h, 30d (default: never)", durationMs)
    .option("--max-payload <bytes>", "longest input, output or event: 512k, 16m (default: 16m)", byteSize)
    .option("--max-history <events>", "longest history of an execution (default: 1000000)", positiveInteger(1_000_000_000))
    .option("--max-inbox <messages>", "messages that may wait for one instance (default: 10000)", positiveInteger(1_000_000_000))
    .option("--max-in-flight <items>", "work items of a sort with one worker at once (default: 1000)", positiveInteger(1_000_000))
    .option("--max-in-flight-per-hub <items>", "and with all workers of a hub", positiveInteger(10_000_000))
    .addOption(
      new Option("--drain <duration>", "how long a shutdown waits for workers to answer").argParser(durationMs).default(10_000, "10s"),
    )
    .addOption(new Option("--log-level <level>", "what is logged").choices([...LOG_LEVELS]).default("info"))
    .action((options) => run((commands) => commands.serve(options, context)));
}

/** As pino's; the list lies here too because the log is loaded with the server alone. */
const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"];

function addInstances(program: Command, context: CommandContext, run: Run): void {
  const instances = program.command("instances").description("look at the instances of a server or a store, and change them");

  placeOptions(instances.command("list"))
    .description("list instances, the oldest first")
    .option("--status <status>", "only those in this status; may be repeated", statusValue)
    .option("--stalled", "only those that stand still")
    .option("--prefix <text>", "only those whose id begins so")
    .option("--name <orchestration>", "only those of this orchestration")
    .option("--since <time>", "created since then: 2h, or 2026-11-21T10:00Z", moment)
    .option("--until <time>", "created until then", moment)
    .addOption(new Option("--limit <n>", "at most so many").argParser(positiveInteger(100_000)).default(50))
    .option("--after <token>", "those after the page that named this token")
    .option("--json", "as JSON, with inputs and outputs left out")
    .option("-q, --quiet", "only the ids")
    .action((options) => run((commands) => commands.listInstances(options, context)));

  placeOptions(instances.command("show"))
    .description("show an instance: status, input, output, and why it stands still")
    .argument("<id>", ID_ARGUMENT)
    .option("--json", "as JSON")
    .action((id, options) => run((commands) => commands.showInstance(id, options, context)));

  placeOptions(instances.command("history"))
    .description("show the history of an instance, an event a line")
    .argument("<id>", ID_ARGUMENT)
    .option("--json", "as NDJSON, with whole payloads")
    .action((id, options) => run((commands) => commands.showHistory(id, options, context)));

  placeOptions(instances.command("raise"))
    .description("raise an event for an instance")
    .argument("<id>", ID_ARGUMENT)
    .argument("<event>", "its name")
    .option("--data <json>", "what comes with it")
    .action((id, event, options) => run((commands) => commands.raiseEvent(id, event, options, context)));

  placeOptions(instances.command("suspend"))
    .description("suspend instances: events wait until they are resumed")
    .argument("<ids...>", ID_ARGUMENT)
    .option("--reason <text>", "why")
    .action((ids, options) => run((commands) => commands.suspendInstances(ids, options, context)));

  placeOptions(instances.command("resume"))
    .description("resume suspended instances")
    .argument("<ids...>", ID_ARGUMENT)
    .option("--reason <text>", "why")
    .action((ids, options) => run((commands) => commands.resumeInstances(ids, options, context)));

  placeOptions(instances.command("terminate"))
    .description("end instances, with all that they have started")
    .argument("<ids...>", ID_ARGUMENT)
    .option("--output <json>", "their output")
    .option("--no-recurse", "what they have started lives on")
    .action((ids, options) => run((commands) => commands.terminateInstances(ids, options, context)));

  placeOptions(instances.command("purge"))
    .description("remove ended instances")
    .argument("[ids...]", ID_ARGUMENT)
    .option("--status <status>", "all that ended so; may be repeated", statusValue)
    .option("--created-before <time>", "all that were created before: 30d, or 2026-11-21T10:00Z", moment)
    .option("--recurse", "with what they have started")
    .action((ids, options) => run((commands) => commands.purgeInstances(ids, options, context)));

  placeOptions(instances.command("restart"))
    .description("start ended instances anew, with the same input")
    .argument("<ids...>", ID_ARGUMENT)
    .option("--new-id", "under ids of their own; the old ones stay as they are")
    .action((ids, options) => run((commands) => commands.restartInstances(ids, options, context)));

  placeOptions(instances.command("rewind"))
    .description("run failed instances again from before their failure")
    .argument("<ids...>", ID_ARGUMENT)
    .option("--reason <text>", "why")
    .action((ids, options) => run((commands) => commands.rewindInstances(ids, options, context)));
}

const ID_ARGUMENT = "id of an instance";

function placeOptions(command: Command): Command {
  return tokenOptions(command)
    .option("--server <host:port>", "a running server (default: 127.0.0.1:4001)")
    .option("--store <file>", "instead of a server the file of a store; to change something nobody else may have it open")
    .option("--hub <name>", "the namespace of the instances", "default")
    .option("--tls", "speak TLS, with the authorities that this machine trusts")
    .option("--tls-ca <file>", "PEM authority of the server's certificate")
    .option("--tls-cert <file>", "PEM certificate of this client")
    .option("--tls-key <file>", "PEM key of it");
}

function tokenOptions(command: Command): Command {
  return command
    .option("--token-file <file>", "file with the token that callers must know (else: $SIGNALBOX_TOKEN)")
    .addOption(new Option("--token <value>").argParser(refuseToken).hideHelp());
}
