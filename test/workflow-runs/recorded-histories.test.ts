// Histories that releases have recorded: each must replay through the orchestrators of today, and look as it looked.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { HistoryEvent } from "../../src/model/events.ts";
import type { ExecutionId, InstanceId } from "../../src/model/ids.ts";
import type { WorkflowPlan } from "../../src/model/plan.ts";
import type { RunInputs, RunView } from "../../src/model/run-view.ts";
import { LiveOrchestration } from "../../src/runtime/live-orchestration.ts";
import { runTurns } from "../../src/runtime/run-turns.ts";
import { fakeExpressions } from "../../src/workflow/run/fake-expressions.ts";
import { FakeHost } from "../../src/workflow/run/fake-host.ts";
import { fakeRecords, PLAN, RUN_ID } from "../../src/workflow/run/fake-records.ts";
import { runDefinitions } from "../../src/workflow/run/run-definitions.ts";
import { NO_LEFTOVERS, StepLeftovers } from "../../src/workflow/run/step-leftovers.ts";
import { createRunProjector } from "../../src/workflow/view/run-projector.ts";
import { HISTORY_SHAPES } from "./history-shapes.ts";

interface RecordedRun {
  readonly plan: WorkflowPlan;
  readonly called?: WorkflowPlan;
  readonly options?: Partial<RunInputs["options"]>;
  readonly histories: readonly {
    readonly instanceId: InstanceId;
    readonly executionId: ExecutionId;
    readonly events: readonly HistoryEvent[];
  }[];
  readonly view: RunView;
}

const root = join(import.meta.dirname, "../fixtures/histories");
const files = readdirSync(root).flatMap((version) => readdirSync(join(root, version)).map((file) => join(version, file)));

describe("recorded histories", () => {
  it("there is one for each shape", () => {
    const names = new Set(files.map((file) => file.replace(/^.*\/|\.json$/g, "")));
    expect([...names].toSorted()).toEqual(Object.keys(HISTORY_SHAPES).toSorted());
  });

  it.each(files)("%s replays, and looks as it looked", async (file) => {
    const run = JSON.parse(readFileSync(join(root, file), "utf8")) as RecordedRun;
    const plans = run.called === undefined ? { [PLAN]: run.plan } : { [PLAN]: run.plan, called: run.called };
    const records = fakeRecords({ plans, options: run.options ?? {} });
    const { orchestrators } = runDefinitions({
      host: new FakeHost(),
      records,
      expressions: fakeExpressions,
      groups: { acquire: neverAsked, release: neverAsked, lost: neverAsked },
      leftovers: new StepLeftovers(NO_LEFTOVERS, "rerun"),
      loadWorkflow: neverAsked,
      openJob: neverAsked,
      secrets: neverAsked,
      history: neverAsked,
      onStepEvent: neverAsked,
      onFault: neverAsked,
    });
    for (const { instanceId, events } of run.histories) {
      const started = events.find((event) => event.kind === "ExecutionStarted");
      const orchestrator = orchestrators.find(({ name, version }) => name === started?.name && version === started.version);
      if (orchestrator === undefined) throw new Error(`nothing replays ${instanceId}: ${started?.name} ${started?.version}`);
      const live = new LiveOrchestration(orchestrator, events, 16 * 1024 * 1024);
      await runTurns([{ live, history: events, events: [], consumed: 0 }], (callback) => void setImmediate(callback), {
        started: () => {},
        ended: () => {},
      });
      expect(live.problem, instanceId).toBeUndefined();
      expect(live.hasEnded, instanceId).toBe(true);
    }
    const projector = createRunProjector({ runId: RUN_ID, root: RUN_ID, records, expressions: fakeExpressions });
    projector.apply(run.histories.map((history) => ({ ...history, from: 0 })));
    expect(projector.view()).toEqual(run.view);
  });
});

function neverAsked(): never {
  throw new Error("a replay asks for nothing");
}
