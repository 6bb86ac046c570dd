// A workflow file from disk to its plan, with everything that is wrong with it shown.

import { existsSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { SignalboxError } from "../../model/errors.ts";
import type { Diagnostic, WorkflowPlan } from "../../model/plan.ts";
import { planWorkflowTree } from "../../workflow/actions/plan-tree.ts";
import type { CommandContext } from "../command-context.ts";
import { formatDiagnostic } from "../render/code-frame.ts";
import { plainText } from "../render/safe-text.ts";
import { styleFor } from "../render/style.ts";
import { systemReason } from "../system-reason.ts";
import { repositoryOf } from "./repository.ts";

/** GitHub's limit too; looked at before reading. */
const MAX_FILE_BYTES = 1024 * 1024;

export interface LoadedFile {
  readonly source: Uint8Array;
  /** Absent where a diagnostic is an error. */
  readonly plan?: WorkflowPlan;
  /** The workflows of the repository that it calls, by path. */
  readonly called: ReadonlyMap<string, WorkflowPlan>;
  readonly diagnostics: readonly Diagnostic[];
}

export interface LoadedPlan extends LoadedFile {
  readonly plan: WorkflowPlan;
}

export async function loadWorkflow(path: string, context: CommandContext): Promise<LoadedFile> {
  const source = readSource(path);
  const repository = repositoryOf(context.workingDirectory);
  const called = (file: string) => {
    const absolute = join(repository, file);
    return Promise.resolve(existsSync(absolute) ? { file, text: readSource(absolute) } : undefined);
  };
  return { source, ...(await planWorkflowTree({ file: shownPath(path, context), text: source }, called)) };
}

/** Relative to the repository where it lies in it. */
export function shownPath(path: string, context: CommandContext): string {
  const inside = relative(repositoryOf(context.workingDirectory), path);
  return inside.startsWith("..") ? path : inside;
}

function readSource(path: string): Uint8Array {
  const shown = plainText(path);
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new SignalboxError("INVALID_ARGUMENT", `${shown} is not a file.`);
    if (stat.size > MAX_FILE_BYTES) {
      throw new SignalboxError(
        "INVALID_WORKFLOW",
        `${shown} has ${Math.ceil(stat.size / 1024 / 1024)} MiB: a workflow file has at most ${MAX_FILE_BYTES / 1024 / 1024} MiB. Is it the right file?`,
      );
    }
    return readFileSync(path);
  } catch (error) {
    if (error instanceof SignalboxError) throw error;
    throw new SignalboxError("INVALID_ARGUMENT", `Cannot read ${shown}: ${systemReason(error)}.`, { cause: error });
  }
}

/** `sourceOf` gives the text of a file that is at hand. */
export function showDiagnostics(
  diagnostics: readonly Diagnostic[],
  sourceOf: (file: string) => Uint8Array | undefined,
  { terminal }: CommandContext,
): void {
  const style = styleFor(terminal.hasColor);
  const texts = new Map<string, string | undefined>();
  for (const diagnostic of diagnostics) {
    const { file } = diagnostic;
    if (!texts.has(file)) texts.set(file, new TextDecoder().decode(sourceOf(file)));
    terminal.writeError(`${formatDiagnostic(diagnostic, texts.get(file), style)}\n`);
  }
}

export function showFileDiagnostics(path: string, loaded: LoadedFile, context: CommandContext): void {
  const repository = repositoryOf(context.workingDirectory);
  const own = shownPath(path, context);
  showDiagnostics(loaded.diagnostics, (file) => (file === own ? loaded.source : readSource(join(repository, file))), context);
}

/** The plan, or the error that ends the command once the diagnostics have been shown. */
export async function loadPlan(path: string, context: CommandContext): Promise<LoadedPlan> {
  const loaded = await loadWorkflow(path, context);
  showFileDiagnostics(path, loaded, context);
  const { plan } = loaded;
  if (plan !== undefined) return { ...loaded, plan };
  throw new SignalboxError("INVALID_WORKFLOW", `${plainText(shownPath(path, context))} is not a valid workflow; nothing was run.`);
}
