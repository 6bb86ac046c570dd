// `signalbox run`: everything that can be wrong is found before the run is there; then it is started and watched.

import { availableParallelism } from "node:os";
import { readGitFacts } from "../../host/workspace/git-facts.ts";
import type { RunInputs } from "../../model/run-view.ts";
import { namedValues } from "../../workflow/actions/named-values.ts";
import { hasFilters } from "../../workflow/actions/select-event.ts";
import type { CommandContext } from "../command-context.ts";
import { actionFolders } from "../options/action-folders.ts";
import { baseEnvironment } from "../options/base-environment.ts";
import { type ChosenEvent, chooseEvent, type EventOptions, isAskedFor } from "../options/event.ts";
import { extraEnvironment } from "../options/extra-environment.ts";
import type { MatrixFilter, NamedText } from "../options/parsers.ts";
import { readSecrets, type SecretOptions } from "../options/secrets.ts";
import type { Ui } from "../options/ui.ts";
import { plainText } from "../render/safe-text.ts";
import { styleFor } from "../render/style.ts";
import type { GivenSecrets, RunSession } from "../session/session.ts";
import { watchRun } from "../watch-run.ts";
import { checkMatrix } from "../workflow-file/check-matrix.ts";
import { findWorkflow } from "../workflow-file/find-workflow.ts";
import { type LoadedPlan, loadPlan, shownPath } from "../workflow-file/load-workflow.ts";
import { sessionEnvironment } from "../workflow-file/repository.ts";
import { selectJobs } from "../workflow-file/select-jobs.ts";
import { refuseStateInRepository } from "../workflow-file/state-place.ts";
import { refuseUnsupported } from "../workflow-file/unsupported.ts";
import { commandSuffix } from "./command-suffix.ts";

export interface RunOptions extends SecretOptions, EventOptions {
  readonly job?: readonly string[];
  readonly matrix?: readonly MatrixFilter[];
  readonly var?: { readonly [name: string]: string };
  readonly env?: readonly NamedText[];
  readonly inheritEnv?: boolean;
  readonly action?: { readonly [reference: string]: string };
  readonly state?: string;
  readonly inPlace?: boolean;
  readonly maxJobs?: number;
  readonly maxBackground: number;
  readonly unsupported: "fail" | "skip";
  readonly onInterrupt: "rerun" | "rerun-job" | "fail";
  readonly ui: Ui;
}

export async function run(file: string | undefined, options: RunOptions, context: CommandContext): Promise<number> {
  const path = await findWorkflow(file, context);
  // The first line is there before the parser is even loaded.
  if (options.ui === "tree" || options.ui === "stream") {
    context.terminal.write(`${styleFor(context.terminal.hasColor).bold("signalbox")} ${plainText(shownPath(path, context))}\n`);
  }
  return watchRun(() => start(path, options, context), { ui: options.ui, commandSuffix: commandSuffix(options) }, context);
}

async function start(path: string, options: RunOptions, context: CommandContext): Promise<RunSession> {
  const environment = sessionEnvironment(context, options.state);
  // First what begins on another thread; the parser keeps this one busy.
  const sessions = await context.openSessions({ ...environment, willStart: true });
  const [facts, loaded] = await Promise.all([
    readGitFacts(environment.repository),
    loadPlan(path, context),
    refuseStateInRepository(environment),
  ]);
  const { plan, source } = loaded;
  const event = await chooseEvent(plan, options, facts, context.workingDirectory);
  const secrets = await readSecrets(options, context.environment, context.workingDirectory);
  const inputs = runInputs(loaded, event, secrets, options, context);
  if (options.unsupported === "fail") refuseUnsupported(loaded, inputs, facts, context);
  return sessions.start({ plan, file: path, source, inputs, secrets, git: facts, notices: noticesOf(loaded, event, secrets, options) });
}

function runInputs(
  loaded: LoadedPlan,
  { event, payload, inputs }: ChosenEvent,
  secrets: GivenSecrets,
  options: RunOptions,
  context: CommandContext,
): RunInputs {
  const jobs = selectJobs(loaded.plan, options.job);
  checkMatrix(loaded, jobs, options.matrix ?? []);
  return {
    event,
    eventPayload: payload,
    inputs,
    vars: options.var ?? {},
    secrets: Object.entries(secrets.sources).map(([name, source]) => ({ name, source })),
    baseEnvironment: baseEnvironment(context.environment, {
      inheritsAll: options.inheritEnv === true,
      extra: extraEnvironment(options.env ?? [], context.environment),
      ownFolders: context.ownFolders,
    }),
    options: {
      ...(jobs === undefined ? {} : { jobs }),
      ...(options.matrix === undefined ? {} : { matrix: options.matrix }),
      maxJobs: options.maxJobs ?? availableParallelism(),
      maxBackground: options.maxBackground,
      inPlace: options.inPlace === true,
      unsupported: options.unsupported,
      onInterrupt: options.onInterrupt,
      actionFolders: actionFolders(options.action ?? {}, context.workingDirectory),
    },
  };
}

/** What a person should know before the first job, one line each. */
function noticesOf({ plan, called }: LoadedPlan, { event }: ChosenEvent, secrets: GivenSecrets, options: RunOptions): readonly string[] {
  const given = new Set(Object.keys(secrets.values).map((name) => name.toUpperCase()));
  const missing = namedValues(plan, called).secrets.filter((name) => !given.has(name.toUpperCase()));
  const notices: string[] = [];
  if (missing.length > 0)
    notices.push(`Empty, because nobody gave them: secrets ${missing.join(", ")} (--secret NAME, --secrets-file FILE).`);
  if (!isAskedFor(options) && hasFilters(plan, event)) {
    notices.push(`The filters of '${event}' are not looked at; --event ${event} applies them.`);
  }
  return notices;
}
