// Activities at the host that holds a job's workspace.

import { isSignalboxError, SignalboxError } from "../../../model/errors.ts";
import type { OpenedJob, OpenJob, PrepareStep, RunStep, StepEvent } from "../../../model/host-port.ts";
import type { ActivityContext } from "../../../runtime/context.ts";
import { defineActivity } from "../../../runtime/define.ts";
import { jobPlanOf } from "../job/job-of-plan.ts";
import type { RunServices } from "../ports.ts";
import {
  ACTIVITY,
  type JobInput,
  type OutputsRequest,
  type PrepareRequest,
  type RanStep,
  type RunRequest,
  type StepRequest,
} from "../records.ts";
import type { StepLeftover } from "../step-leftovers.ts";
import type { RunActivities } from "./activity-set.ts";
import type { JobLedger } from "./job-ledger.ts";
import { JobLedgers } from "./job-ledgers.ts";
import { secretValues } from "./secret-values.ts";

type JobActivities = Omit<RunActivities, "acquireGroup" | "releaseGroup" | "loadWorkflow">;

export function jobActivities(services: RunServices): JobActivities {
  const { host, records, leftovers } = services;
  const ledgers = new JobLedgers(services, (ledger) => openAt(ledger));

  /** Tells the host all that does not change about the job. */
  async function openAt(ledger: JobLedger): Promise<void> {
    ledger.opened = await host.openJob(await openingOf(services, ledger));
  }

  return {
    openJob: defineActivity<JobInput, OpenedJob>(ACTIVITY.openJob, async ({ instanceId }, input) => {
      const ledger = await ledgers.begin(instanceId, input);
      return ledger.opened;
    }),

    prepareStep: defineActivity<PrepareRequest, Awaited<ReturnType<typeof host.prepareStep>>>(
      ACTIVITY.prepareStep,
      async ({ instanceId }, request) => {
        const ledger = await ledgers.of(instanceId);
        ledger.reached(request);
        const prepared = await host.prepareStep(prepareAt(ledger, request));
        ledger.prepared(request.step, prepared);
        return prepared;
      },
    ),

    runStep: defineActivity<RunRequest, RanStep>(ACTIVITY.runStep, async (context, request) => {
      const { step } = request;
      const ledger = await ledgers.of(context.instanceId);
      ledger.asked(request);
      try {
        const ran = await runOnce(context, ledger, step).catch(leaveToMachine);
        ledger.ran(step, ran);
        return ran;
      } finally {
        ledger.handedOver(step);
        leftovers.begun(hostJob(ledger.input), step);
      }
    }),

    cancelStep: defineActivity(ACTIVITY.cancelStep, async ({ instanceId }, { step }: StepRequest) => {
      const ledger = await ledgers.of(instanceId);
      await ledger.whenHandedOver(step);
      const { input } = ledger;
      return host.cancelStep({ runId: input.runId, job: hostJob(input), step });
    }),

    reevaluateStep: defineActivity(ACTIVITY.reevaluateStep, async ({ instanceId }, { step }: StepRequest) =>
      reevaluate(await ledgers.of(instanceId), step),
    ),

    evaluateOutputs: defineActivity(ACTIVITY.evaluateOutputs, async ({ instanceId }, request: OutputsRequest) => {
      const ledger = await ledgers.of(instanceId);
      ledger.publish(request);
      const { input } = ledger;
      const values = jobPlanOf(records, input).outputs;
      return host.evaluateOutputs({ runId: input.runId, job: hostJob(input), at: ledger.position(request), values });
    }),

    closeJob: defineActivity<object, object>(ACTIVITY.closeJob, async ({ instanceId }) => {
      const { input } = await ledgers.of(instanceId);
      ledgers.end(instanceId);
      await host.closeJob({ runId: input.runId, job: hostJob(input) });
      return {};
    }),
  };

  /** A disk that is full says nothing about the step: its attempt never ends here, so a resume repeats it. */
  function leaveToMachine(error: unknown): Promise<never> {
    if (!isSignalboxError(error, "STORE_IO")) throw error;
    services.onFault(error);
    return new Promise<never>(() => undefined);
  }

  function reevaluate(ledger: JobLedger, step: string): ReturnType<typeof host.reevaluate> {
    const request = prepareAt(ledger, ledger.step(step).request);
    return host.reevaluate({ ...request, at: { ...request.at, jobStatus: "cancelled" } });
  }

  /** A step that was being cancelled when the engine died is not begun again only to be ended. */
  async function isCancelled(ledger: JobLedger, step: string): Promise<boolean> {
    const cancel = ledger.cancelOf(step);
    if (cancel === "asked") return true;
    return (cancel === "unanswered" || leftovers.policy === "cancel") && !(await reevaluate(ledger, step)).holds;
  }

  /** One attempt of a step; what is left of an earlier one decides whether there is another. */
  async function runOnce(context: ActivityContext, ledger: JobLedger, step: string): Promise<RanStep> {
    const job = hostJob(ledger.input);
    // A first attempt of the activity leaves nothing behind; a later one follows a crash of the engine.
    const left = context.attempt === 1 ? undefined : leftovers.find(job, step);
    if (left?.kind === "ended") return { kind: "ended", result: left.result };
    if (left !== undefined && (await isCancelled(ledger, step))) return cancelled(left);
    if (left?.kind === "interrupted") {
      if (leftovers.policy === "rerun-job") return { kind: "start-over" };
      if (leftovers.policy === "fail") return interrupted(left);
    }
    const attempt = left?.kind === "interrupted" ? left.attempt + 1 : 1;
    await leftovers.turnOf(job, step);
    const lost = services.groups.lost(ledger.input.runId);
    if (lost !== undefined) throw new SignalboxError("OWNERSHIP_LOST", lost);
    const source = { runId: ledger.input.runId, instanceId: context.instanceId, job, step, attempt };
    const onEvent = (event: StepEvent): void => {
      if (event.kind === "started") leftovers.begun(job, step);
      services.onStepEvent(source, event);
    };
    const running = host.runStep(runAt(ledger, step, attempt), onEvent);
    ledger.handedOver(step);
    return { kind: "ended", result: await running };
  }
}

type Interrupted = Extract<StepLeftover, { kind: "interrupted" }>;

const interrupted = ({ attempt, log }: Interrupted): RanStep => ({
  kind: "interrupted",
  attempt,
  ...(log && { log }),
  message: `The step was interrupted in attempt ${attempt} by the end of the engine; it is not attempted again (--on-interrupt fail).`,
});

const cancelled = (left: Interrupted | Extract<StepLeftover, { kind: "never-began" }>): RanStep => ({
  kind: "interrupted",
  attempt: left.kind === "interrupted" ? left.attempt : 1,
  ...(left.kind === "interrupted" && left.log && { log: left.log }),
  message: "The operation was canceled.",
  outcome: "cancelled",
});

/** A job that starts over gets a workspace, logs and a spool of its own. */
export const hostJob = ({ host, generation }: Pick<JobInput, "host" | "generation">): string =>
  generation === 1 ? host : `${host}.r${generation}`;

function prepareAt(ledger: JobLedger, request: PrepareRequest): PrepareStep {
  const { input } = ledger;
  const { prepared } = ledger.step(request.step);
  const hashes = prepared?.hashes;
  const actionHash = prepared?.verdict === "run" ? prepared.actionHash : undefined;
  const states = ledger.savedFor(request.step);
  return {
    runId: input.runId,
    job: hostJob(input),
    step: request.step,
    at: ledger.position(request),
    ...(hashes === undefined || hashes.length === 0 ? {} : { hashes }),
    ...(actionHash === undefined ? {} : { actionHash }),
    ...(states.length === 0 ? {} : { states }),
    ...(request.post === undefined ? {} : { post: request.post }),
    ...(request.pre === undefined ? {} : { pre: request.pre }),
  };
}

function runAt(ledger: JobLedger, step: string, attempt: number): RunStep {
  return { ...prepareAt(ledger, ledger.step(step).request), attempt };
}

async function openingOf(services: RunServices, ledger: JobLedger): Promise<OpenJob> {
  const { input } = ledger;
  const { records } = services;
  const run = records.run(input.runId);
  const workflow = records.plan(input.plan);
  const plan = jobPlanOf(records, input);
  const opening = await services.openJob(input.runId, hostJob(input), plan, input.generation);
  return {
    runId: input.runId,
    job: hostJob(input),
    directories: opening.directories,
    inPlace: run.inputs.options.inPlace,
    baseEnvironment: { ...run.inputs.baseEnvironment, ...opening.secretEnvironment },
    contexts: { ...run.contexts, ...input.contexts, ...opening.contexts },
    ...(workflow.env === undefined ? {} : { workflowEnv: workflow.env }),
    ...(plan.env === undefined ? {} : { jobEnv: plan.env }),
    workflowDefaults: workflow.defaults,
    jobDefaults: plan.defaults,
    steps: plan.steps,
    secrets: secretValues(services.secrets(input.runId), input.secrets, services.expressions),
    sealedMasks: ledger.masks,
    sealKey: opening.sealKey,
    ...(opening.snapshot === undefined ? {} : { snapshot: opening.snapshot }),
    actionFolders: run.inputs.options.actionFolders,
  };
}
