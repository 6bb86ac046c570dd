import { statSync } from "node:fs";
import { resolve } from "node:path";
import { SignalboxError } from "../../model/errors.ts";

type Folders = { readonly [reference: string]: string };

/** `--action owner/repo@ref=DIR`: absolute, so that a run resumed from elsewhere finds them again. */
export function actionFolders(given: Folders, workingDirectory: string): Folders {
  return Object.fromEntries(
    Object.entries(given).map(([reference, folder]) => {
      const path = resolve(workingDirectory, folder);
      if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [reference, path];
      throw new SignalboxError(
        "INVALID_ARGUMENT",
        `--action ${reference}=${folder}: ${path} is not a folder. Name the folder that holds a copy of the action's repository.`,
      );
    }),
  );
}
