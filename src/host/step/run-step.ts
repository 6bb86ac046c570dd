// Runs one attempt of a prepared step to its end in the spool.

import { join } from "node:path";
import { SignalboxError } from "../../model/errors.ts";
import type { RunStep, StepEvent, StepResult } from "../../model/host-port.ts";
import { runAction } from "../actions/run-action.ts";
import { runPost, runPre } from "../actions/run-node-action.ts";
import type { HostedJob } from "../job/hosted-job.ts";
import { mapValues } from "../job/published-results.ts";
import type { Graces, Survivor } from "../process/end-processes.ts";
import { nowInTicks } from "../process/process-table.ts";
import type { StepProcesses } from "../process/step-processes.ts";
import { attemptLogFile } from "./attempt-log-file.ts";
import { armLongTimer } from "./long-timer.ts";
import type { ReadyStep } from "./ready-step.ts";
import { runScript } from "./run-script.ts";
import { RunningStep } from "./running-step.ts";
import type { ScriptDirectories } from "./script-directories.ts";
import { StepAttempt } from "./step-attempt.ts";
import { failed, type StepEnd } from "./step-end.ts";

export interface StepServices {
  readonly processes: StepProcesses;
  readonly scripts: ScriptDirectories;
  readonly graces: Graces;
  readonly drainMs: number;
  readonly now: () => number;
}

export async function runStep(
  job: HostedJob,
  ready: ReadyStep,
  request: Pick<RunStep, "step" | "attempt" | "states">,
  services: StepServices,
  onEvent: (event: StepEvent) => void,
): Promise<StepResult> {
  const { job: jobKey, directories } = job.request;
  const marker = `${job.runMark}/${jobKey}/${request.step}/${request.attempt}`;
  const logFile = attemptLogFile(jobKey, request.step, request.attempt);
  const startedAt = services.now();
  const running = new RunningStep({ processes: services.processes, marker, since: nowInTicks(), graces: services.graces });
  job.lineages.add(running.lineage);
  job.running.set(request.step, running);
  const disarm =
    ready.timeoutMinutes === undefined ? undefined : armLongTimer(ready.timeoutMinutes * 60_000, () => void running.stop("timeout"));
  try {
    const attempt = new StepAttempt({
      job,
      step: request.step,
      states: request.states ?? [],
      running,
      scripts: services.scripts,
      marker,
      beganFile: job.spool.beganFile(jobKey, request.step, request.attempt),
      logPath: join(directories.run, logFile),
      drainMs: services.drainMs,
      now: services.now,
      onEvent,
      whileItRuns: () => {
        services.scripts.tidy(job.runMark);
        job.spool.tidy();
        job.spool.expectEnd(jobKey, request.step, request.attempt);
      },
      keepMask: (mask) => job.spool.addMask(jobKey, request.step, request.attempt, mask),
      allowUnsecureCommands: ready.environment["ACTIONS_ALLOW_UNSECURE_COMMANDS"] === "true",
    });
    using log = attempt.log;
    const body = await runBody(attempt, ready);
    const survivors = await running.swept();
    if (running.stopReason === "shutdown") {
      throw new SignalboxError("SHUT_DOWN", `The host was stopped while step ${request.step} ran: the attempt was interrupted.`);
    }
    const end = concluded(body, ready, running, survivors);
    if (end.message !== undefined && end.isTold !== true) attempt.output.writeError(end.message);
    const closed = log.close();
    const toValue = (text: string) => job.toValue(text);
    const { signal, exitCode, message } = end;
    const result: StepResult = {
      attempt: request.attempt,
      outcome: end.outcome,
      timedOut: running.stopReason === "timeout",
      ...(exitCode === undefined ? {} : { exitCode }),
      ...(signal === undefined ? {} : { signal }),
      ...(message === undefined ? {} : { message: job.masker.maskText(message) }),
      outputs: mapValues(Object.fromEntries(end.outputs), toValue),
      environment: attempt.environment.map(({ name, value }) => ({ name, value: toValue(value) })),
      path: attempt.path.map(toValue),
      masks: attempt.masks,
      annotations: attempt.annotations,
      log: { file: logFile, bytes: closed.bytes, lines: closed.lines },
      summaryBytes: attempt.summaryBytes,
      startedAt,
      endedAt: services.now(),
      posts: attempt.posts,
      ...(attempt.state.size === 0 ? {} : { state: mapValues(Object.fromEntries(attempt.state), toValue) }),
    };
    job.spool.writeEnd(jobKey, request.step, result);
    return result;
  } finally {
    disarm?.();
    job.spool.forgetEnd(jobKey, request.step, request.attempt);
    job.running.delete(request.step);
    running.end();
  }
}

async function runBody(attempt: StepAttempt, ready: ReadyStep): Promise<StepEnd> {
  try {
    switch (ready.kind) {
      case "run":
        return await runScript(attempt, ready);
      case "uses":
        return await runAction(attempt, ready);
      case "pre":
        return await runPre(attempt, ready);
      case "post":
        return await runPost(attempt, ready);
      default:
        return ready satisfies never;
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return failed(error.message);
  }
}

/** A stop decides how the step ended, unless it had failed or ended before by itself. */
function concluded(end: StepEnd, ready: ReadyStep, running: RunningStep, survivors: readonly Survivor[]): StepEnd {
  const left = survivors.map(({ pid, reason }) => `Process ${pid} is still there: ${reason}.`);
  if (running.stopReason === "timeout") {
    const minutes = `${ready.timeoutMinutes ?? 0} ${ready.timeoutMinutes === 1 ? "minute" : "minutes"}`;
    return {
      ...end,
      outcome: "failure",
      isTold: false,
      message: [`The step '${ready.name}' has timed out after ${minutes}.`, ...left].join(" "),
    };
  }
  if (running.stopReason === "cancel") {
    return { ...end, outcome: "cancelled", isTold: false, message: ["The operation was canceled.", ...left].join(" ") };
  }
  return end;
}
