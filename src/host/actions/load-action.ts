// `uses:` -> the folder of an action and what its action file says: as it was recorded, or as it is now, which is recorded.

import { existsSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseActionFile } from "../../expressions/parse-action.ts";
import { MAX_FILE_BYTES } from "../../expressions/parse-file.ts";
import type { ActionDefinition } from "../../model/action-definition.ts";
import { SignalboxError } from "../../model/errors.ts";
import type { ActionPlace, OpenJob } from "../../model/host-port.ts";
import type { ActionContent, RecordedActions } from "./recorded-actions.ts";

export interface LoadedAction extends ActionFolder {
  readonly definition: ActionDefinition;
  /** Of the action file's content. */
  readonly hash: string;
}

interface ActionFolder {
  readonly directory: string;
  /** `owner/repo` and `ref` of one that was given by `--action`. */
  readonly repository?: string;
  readonly ref?: string;
}

/** The job, as far as its actions are concerned. */
export interface ActionHome {
  readonly request: OpenJob;
  readonly actions: RecordedActions;
}

export interface ActionUse {
  readonly uses: string;
  /** The step of the job that it belongs to, and where below it. */
  readonly step: string;
  readonly place: ActionPlace;
  /** What history says that it was resolved to. */
  readonly hash?: string | undefined;
}

/** How deep actions stand in actions, as on GitHub. */
export const DEEPEST_ACTION = 10;

export function isCheckout(uses: string, folders: OpenJob["actionFolders"]): boolean {
  return /^actions\/checkout@/i.test(uses) && folders[uses] === undefined;
}

/** Its folder is in the workspace, and so is what it holds only after a checkout. */
export function isLocal(uses: string): boolean {
  return /^[.$]\//.test(uses);
}

export async function loadAction({ uses, step, place, hash }: ActionUse, { request, actions }: ActionHome): Promise<LoadedAction> {
  const folder = locateAction(uses, request);
  const recorded = hash === undefined ? actions.find(step, place) : actions.get(hash);
  const content = recorded ?? actions.keep(step, place, readActionFile(uses, folder.directory));
  return { ...folder, definition: await parseAction(folder.directory, content), hash: content.hash };
}

function readActionFile(uses: string, directory: string): Buffer {
  const file = findActionFile(directory);
  if (file === undefined) {
    const hint = uses.startsWith("./") ? " Did a step run actions/checkout before it?" : "";
    throw new SignalboxError("NOT_FOUND", `Can't find 'action.yml' or 'action.yaml' for '${uses}' under '${directory}'.${hint}`);
  }
  if (statSync(file).size > MAX_FILE_BYTES) throw new SignalboxError("INVALID_WORKFLOW", `${file} is too large: at most 1 MiB is read.`);
  return readFileSync(file);
}

function findActionFile(directory: string): string | undefined {
  return ["action.yml", "action.yaml"].map((name) => join(directory, name)).find((path) => existsSync(path));
}

async function parseAction(directory: string, { text }: ActionContent): Promise<ActionDefinition> {
  const file = findActionFile(directory) ?? join(directory, "action.yml");
  const { action, diagnostics } = await parseActionFile({ file, text });
  if (action !== undefined) return action;
  const problems = diagnostics.map(({ at, message }) => `${file}${at ? `:${at.line}:${at.column}` : ""}: ${message}`);
  throw new SignalboxError("INVALID_WORKFLOW", problems.join("\n"));
}

function locateAction(uses: string, job: OpenJob): ActionFolder {
  const local = /^(?:\.|\$)\/(.*)$/s.exec(uses);
  if (local !== null) return { directory: resolve(job.directories.workspace, local[1] ?? "") };
  const [, repository = "", path = "", ref = ""] = /^([^/@]+\/[^/@]+)(\/[^@]*)?@(.+)$/.exec(uses) ?? [];
  const folder = job.actionFolders[uses] ?? job.actionFolders[`${repository}@${ref}`];
  if (repository === "" || folder === undefined) {
    throw new SignalboxError(
      "UNSUPPORTED",
      `The action '${uses}' cannot be run yet: give a folder with it by --action ${repository || "owner/repo"}@${ref || "ref"}=DIR.`,
    );
  }
  return { directory: join(folder, job.actionFolders[uses] === undefined ? path : ""), repository, ref };
}
