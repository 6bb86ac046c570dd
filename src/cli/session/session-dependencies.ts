// What sessions are given by whoever wires the program: the real engine, host and store, or a test's.

import type { Engine, EngineOptions } from "../../loops/engine.ts";
import type { Host } from "../../model/host-port.ts";
import type { Diagnostic, WorkflowPlan } from "../../model/plan.ts";
import type { RunInputs } from "../../model/run-view.ts";
import type { Store } from "../../store/store.ts";
import type { JobExpressions } from "../../workflow/run/ports.ts";

export interface SessionDependencies {
  /** Milliseconds since the epoch. */
  now(): number;
  openStore(path: string): Promise<Store>;
  openEngine(options: EngineOptions): Promise<Engine>;
  createHost(): Promise<Host>;
  /** Ready for use: whatever must be loaded has been. */
  expressions(options: RunInputs["options"]): Promise<JobExpressions>;
  readWorkflow(source: Uint8Array, shownAs: string): Promise<{ readonly plan?: WorkflowPlan; readonly diagnostics: readonly Diagnostic[] }>;
}
