// `uses:` -> the folder of an action and what its action file says.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseActionFile } from "../../expressions/parse-action.ts";
import { MAX_FILE_BYTES } from "../../expressions/parse-file.ts";
import type { ActionDefinition } from "../../model/action-definition.ts";
import { SignalboxError } from "../../model/errors.ts";
import type { OpenJob } from "../../model/host-port.ts";

export interface LoadedAction {
  readonly directory: string;
  readonly definition: ActionDefinition;
  /** Of the action file's content. */
  readonly hash: string;
  /** `owner/repo` and `ref` of one that was given by `--action`. */
  readonly repository?: string;
  readonly ref?: string;
}

export interface ActionPlace {
  readonly directory: string;
  readonly repository?: string;
  readonly ref?: string;
}

export function isCheckout(uses: string, folders: OpenJob["actionFolders"]): boolean {
  return /^actions\/checkout@/i.test(uses) && folders[uses] === undefined;
}

export async function loadAction(uses: string, job: OpenJob): Promise<LoadedAction> {
  const place = locateAction(uses, job);
  const file = ["action.yml", "action.yaml"].map((name) => join(place.directory, name)).find((path) => existsSync(path));
  if (file === undefined) {
    const hint = uses.startsWith("./") ? " Did a step run actions/checkout before it?" : "";
    throw new SignalboxError("NOT_FOUND", `Can't find 'action.yml' or 'action.yaml' for '${uses}' under '${place.directory}'.${hint}`);
  }
  if (statSync(file).size > MAX_FILE_BYTES) throw new SignalboxError("INVALID_WORKFLOW", `${file} is too large: at most 1 MiB is read.`);
  const text = readFileSync(file);
  const { action, diagnostics } = await parseActionFile({ file, text });
  if (action === undefined) {
    const problems = diagnostics.map(({ at, message }) => `${file}${at ? `:${at.line}:${at.column}` : ""}: ${message}`);
    throw new SignalboxError("INVALID_WORKFLOW", problems.join("\n"));
  }
  return { ...place, definition: action, hash: createHash("sha256").update(text).digest("hex") };
}

function locateAction(uses: string, job: OpenJob): ActionPlace {
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
