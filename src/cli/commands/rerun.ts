import type { CommandContext } from "../command-context.ts";
import { watchRun } from "../watch-run.ts";
import { sessionEnvironment } from "../workflow-file/repository.ts";
import { commandSuffix } from "./command-suffix.ts";
import { type ResumeOptions, resumeRequest } from "./resume.ts";

export interface RerunOptions extends Omit<ResumeOptions, "all"> {
  readonly failed?: boolean;
  readonly fresh?: boolean;
}

export async function rerun(run: string, options: RerunOptions, context: CommandContext): Promise<number> {
  const sessions = await context.openSessions(sessionEnvironment(context, options.state));
  const { id } = await sessions.find(run);
  const request = { ...(await resumeRequest(id, options, context)), failedOnly: options.failed === true, fresh: options.fresh === true };
  return watchRun(() => sessions.rerun(request), { ui: options.ui, commandSuffix: commandSuffix(options) }, context);
}
