// Opens a job with the given steps at a host, in folders of its own.

import { randomBytes } from "node:crypto";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Host, OpenJob, PreparedStep, PublishedStep, StepEvent, StepResult } from "../../src/model/host-port.ts";
import type { RunStepPlan, StepPlan, UsesStepPlan } from "../../src/model/plan.ts";
import type { TemplateToken } from "../../src/model/template.ts";

const at = { line: 1, column: 1 };
export const text = (value: string): TemplateToken => ({ kind: "string", value });
export const expression = (value: string): TemplateToken => ({ kind: "expression", expression: value });
export const mapping = (entries: { readonly [name: string]: TemplateToken }): TemplateToken => ({
  kind: "mapping",
  entries: Object.entries(entries).map(([key, value]) => ({ key: text(key), value })),
});

export const runStep = (key: string, script: string, more: Partial<RunStepPlan> = {}): RunStepPlan => ({
  kind: "run",
  key,
  ...(key.startsWith("__") ? {} : { id: key }),
  if: { expression: "success()", isDefault: true, at },
  background: false,
  run: text(script),
  at,
  ...more,
});

export const usesStep = (key: string, uses: string, more: Partial<UsesStepPlan> = {}): UsesStepPlan => ({
  kind: "uses",
  key,
  id: key,
  if: { expression: "success()", isDefault: true, at },
  background: false,
  uses,
  at,
  ...more,
});

export interface TestJob extends AsyncDisposable {
  readonly directory: string;
  readonly request: OpenJob;
  readonly published: PublishedStep[];
  prepare(step: string): Promise<PreparedStep>;
  run(step: string, onEvent?: (event: StepEvent) => void, attempt?: number): Promise<StepResult>;
  /** Prepares, runs and publishes. */
  walk(step: string): Promise<StepResult>;
  cancel(step: string): ReturnType<Host["cancelStep"]>;
}

export async function openTestJob(host: Host, steps: readonly StepPlan[], more: Partial<OpenJob> = {}): Promise<TestJob> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "signalbox-host-")));
  const request: OpenJob = {
    runId: `run-${randomBytes(6).toString("hex")}`,
    job: "build",
    directories: {
      run: directory,
      workspace: join(directory, "work"),
      temp: join(directory, "temp"),
      toolCache: join(directory, "tools"),
    },
    inPlace: false,
    baseEnvironment: { PATH: process.env["PATH"] ?? "", HOME: directory },
    contexts: { github: { repository: "octo/app", sha: "abc", event_name: "push", event: {} }, runner: { os: "Linux" } },
    workflowDefaults: {},
    jobDefaults: {},
    steps,
    secrets: [],
    sealedMasks: [],
    sealKey: randomBytes(32).toString("base64"),
    actionFolders: {},
    ...more,
  };
  await host.openJob(request);
  const published: PublishedStep[] = [];
  let sent = 0;
  const position = () => {
    const at = { position: published.length, from: sent, published: published.slice(sent), jobStatus: "success" as const };
    sent = published.length;
    return at;
  };
  const base = (step: string) => ({ runId: request.runId, job: request.job, step, at: position() });
  const job: TestJob = {
    directory,
    request,
    published,
    prepare: (step) => host.prepareStep(base(step)),
    run: (step, onEvent = () => undefined, attempt = 1) => host.runStep({ ...base(step), attempt }, onEvent),
    async walk(step) {
      const prepared = await job.prepare(step);
      if (prepared.verdict !== "run") throw new Error(`${step}: ${JSON.stringify(prepared)}`);
      const result = await job.run(step);
      const { outcome, outputs, environment, path } = result;
      published.push({ step, id: step, outcome, conclusion: outcome, outputs, environment, path });
      return result;
    },
    cancel: (step) => host.cancelStep(base(step)),
    async [Symbol.asyncDispose]() {
      // A host that is gone has closed its jobs.
      await host.closeJob(request).catch(() => undefined);
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return job;
}
