import { readFile } from "node:fs/promises";
import { join, normalize, relative } from "node:path";
import type { WorkflowPlan } from "../../model/plan.ts";
import type { LoadedWorkflow } from "../../workflow/run/records.ts";
import type { RecordedFiles } from "./recorded-files.ts";
import type { RecordedSources } from "./recorded-sources.ts";
import type { SessionDependencies } from "./session-dependencies.ts";

export interface WorkflowLibrary {
  readonly repository: string;
  readonly recorded: RecordedFiles;
  readonly sources: RecordedSources;
  readonly readWorkflow: SessionDependencies["readWorkflow"];
}

/** Records a called workflow, at the first call; the same file is the same plan for as long as the run lives. */
export async function loadCalledWorkflow(library: WorkflowLibrary, caller: WorkflowPlan, uses: string): Promise<LoadedWorkflow> {
  const { repository, recorded, sources } = library;
  if (!uses.startsWith("./"))
    return refuse(`${caller.file}: the workflow ${uses} is in another repository; only local ones (./path) run so far`);
  const path = join(repository, normalize(uses));
  const shownAs = relative(repository, path);
  if (shownAs.startsWith("..")) return refuse(`${caller.file}: the workflow ${uses} is outside the repository`);
  const known = sources.find(path);
  if (known !== undefined) return { kind: "loaded", plan: known.plan };
  let source: Uint8Array;
  try {
    source = await readFile(path);
  } catch (error) {
    return refuse(`${caller.file}: the workflow ${uses} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const { plan, diagnostics } = await library.readWorkflow(source, shownAs);
  if (plan === undefined)
    return refuse(diagnostics.map(({ file, at, message }) => `${file}${at ? `:${at.line}:${at.column}` : ""}: ${message}`).join("\n"));
  const hash = recorded.putJson(plan);
  sources.add({ path, shownAs, source: recorded.put(source), plan: hash });
  return { kind: "loaded", plan: hash };
}

const refuse = (message: string): LoadedWorkflow => ({ kind: "refused", message });
