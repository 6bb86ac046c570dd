import type { Activity, ActivityContext, OrchestrationContext, Orchestrator } from "./context.ts";

/** Names an orchestrator. The name and its decisions are what histories remember: change decisions behind `ctx.patched`. */
export function defineOrchestrator<Input, Output>(
  name: string,
  run: (context: OrchestrationContext, input: Input) => Promise<Output>,
  options: { readonly version?: string } = {},
): Orchestrator<Input, Output> {
  return { kind: "orchestrator", name, run, ...options };
}

/** Names an activity. It may run more than once (at least once): `idempotencyKey` is the same for every attempt. */
export function defineActivity<Input, Output>(
  name: string,
  run: (context: ActivityContext, input: Input) => Promise<Output> | Output,
  options: { readonly maxConcurrent?: number } = {},
): Activity<Input, Output> {
  return { kind: "activity", name, run, ...options };
}
