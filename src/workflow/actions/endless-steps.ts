// B20: a never-ending background step that nothing cancels gets a warning. Whether a script ends cannot be known; these
// are programs that people start in the background because they do not. Everything else is left alone, so that the
// warning is worth reading.

import type { StepPlan, WorkStepPlan } from "../../model/plan.ts";
import type { Report } from "./report.ts";

const ENDLESS = [
  /\b(?:npm|pnpm|yarn|bun)\s+(?:run\s+)?(?:start|dev|serve|watch)\b/,
  /\bnpx\s+(?:serve|http-server|vite|nodemon)\b(?!\s+build)/,
  /\b(?:next|vite|astro|nuxt|remix)\s+(?:dev|start|preview)\b/,
  /\bsleep\s+inf(?:inity)?\b/,
  /\btail\s+(?:-\S+\s+)*-[a-zA-Z]*[fF]\b/,
  /\bwhile\s+(?:true|:)/,
  /\bhttp\.server\b/,
  /\b(?:uvicorn|gunicorn|nodemon|hypercorn|redis-server|mongod|caddy\s+run)\b/,
  /\b(?:flask\s+run|rails\s+s(?:erver)?|manage\.py\s+runserver|webpack\s+serve|hugo\s+server|php\s+-S)\b/,
  /\bkubectl\s+port-forward\b/,
  /\bdocker(?:-|\s+)compose\s+up\b(?!.*\s(?:-d|--detach|--wait)\b)/,
];

export function warnOfEndlessSteps(steps: readonly StepPlan[], report: Report): void {
  const cancelled = new Set(steps.flatMap((step) => (step.kind === "cancel" ? [step.target] : [])));
  const background = steps.flatMap((step) => (step.kind === "parallel" ? step.members : isWork(step) && step.background ? [step] : []));
  for (const step of background) {
    if (step.kind !== "run" || step.timeoutMinutes !== undefined || cancelled.has(step.key)) continue;
    const script = step.run.kind === "expression" ? step.run.expression : step.run.kind === "string" ? step.run.value : "";
    const found = ENDLESS.map((pattern) => pattern.exec(script)?.[0]).find((text) => text !== undefined);
    if (found === undefined) continue;
    const target = step.id === undefined ? "Give it an 'id' and end it with 'cancel: <id>'" : `End it with 'cancel: ${step.id}'`;
    report.warning(
      step.run.at ?? step.at,
      `This background step looks as if it never ends ('${found}'), and nothing cancels it: the job would wait for it until it times out. ${target}, or set 'timeout-minutes'.`,
      "docs/spec/background.md#validation",
    );
  }
}

function isWork(step: StepPlan): step is WorkStepPlan {
  return step.kind === "run" || step.kind === "uses";
}
