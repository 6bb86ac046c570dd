// Which file a command is about: the one that was named, else the only one of the repository, else the person chooses.

import { existsSync, readdirSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { SignalboxError } from "../../model/errors.ts";
import type { CommandContext } from "../command-context.ts";
import { plainText } from "../render/safe-text.ts";
import { systemReason } from "../system-reason.ts";
import { repositoryOf } from "./repository.ts";

const FOLDER = join(".github", "workflows");

/** Absolute. */
export async function findWorkflow(named: string | undefined, context: CommandContext): Promise<string> {
  return named === undefined ? await theOne(context) : namedFile(named, context.workingDirectory);
}

/** A path, or the name of a file in `.github/workflows`, with or without its extension. */
function namedFile(named: string, workingDirectory: string): string {
  const path = resolve(workingDirectory, named);
  if (named !== "" && existsSync(path)) return path;
  if (named !== "" && !named.includes("/")) {
    const folder = join(repositoryOf(workingDirectory), FOLDER);
    const found = [named, `${named}.yml`, `${named}.yaml`].map((name) => join(folder, name)).find((candidate) => existsSync(candidate));
    if (found !== undefined) return found;
  }
  throw new SignalboxError(
    "NOT_FOUND",
    `${named === "" ? "''" : plainText(named)}: there is no such file, here or in ${FOLDER}. Name a workflow file, or leave it out to choose one.`,
  );
}

async function theOne(context: CommandContext): Promise<string> {
  const folder = join(repositoryOf(context.workingDirectory), FOLDER);
  const files = workflowFiles(folder);
  const [only] = files;
  if (only === undefined) {
    throw new SignalboxError("NOT_FOUND", `There is no workflow file in ${folder}. Name one: signalbox run FILE.`);
  }
  if (files.length === 1) return only;
  const shown = files.map((file) => relative(context.workingDirectory, file));
  if (context.terminal.isInteractive) return choose(files, shown, context);
  throw new SignalboxError(
    "INVALID_ARGUMENT",
    `There are ${files.length} workflow files; name one of them:\n${shown.map((file) => `  signalbox run ${plainText(file)}`).join("\n")}`,
  );
}

function workflowFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /\.ya?ml$/.test(name))
      .toSorted()
      .map((name) => join(folder, name))
      .filter((path) => statSync(path).isFile());
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw new SignalboxError("INVALID_ARGUMENT", `Cannot read ${folder}: ${systemReason(error)}. Name a file: signalbox run FILE.`, {
      cause: error,
    });
  }
}

async function choose(files: readonly string[], shown: readonly string[], { terminal }: CommandContext): Promise<string> {
  terminal.writeError(`${shown.map((file, index) => `  ${index + 1}  ${plainText(file)}`).join("\n")}\n`);
  for (;;) {
    const answer = (await terminal.ask(`Which one? [1-${files.length}] `)).trim();
    const file = /^\d+$/.test(answer) ? files[Number(answer) - 1] : undefined;
    if (file !== undefined) return file;
    if (answer === "") throw new SignalboxError("INVALID_ARGUMENT", "No file was chosen.");
  }
}
