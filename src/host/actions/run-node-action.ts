// JavaScript actions, run by the host's own Node: main, and the post step that it registers.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { evaluateCondition } from "../../expressions/evaluate-template.ts";
import type { NodeRuns } from "../../model/action-definition.ts";
import type { RegisteredPost } from "../../model/host-port.ts";
import { mapValues } from "../job/published-results.ts";
import type { ReadyPost, ReadyUses } from "../step/ready-step.ts";
import type { ProgramEnd, StepAttempt } from "../step/step-attempt.ts";
import { endOfProgram, type StepEnd } from "../step/step-end.ts";
import { stepEnvironment } from "../step/step-environment.ts";
import { inputVariables } from "./action-inputs.ts";
import type { LoadedAction } from "./load-action.ts";

type Texts = { readonly [name: string]: string };

export interface NodeActionRun {
  readonly ready: ReadyUses;
  readonly action: LoadedAction;
  readonly runs: NodeRuns;
  readonly inputs: Texts;
}

export async function runNodeAction(attempt: StepAttempt, { ready, action, runs, inputs }: NodeActionRun): Promise<StepEnd> {
  const { job } = attempt;
  const variables = inputVariables(inputs);
  const about = {
    ...(action.repository === undefined ? {} : { action_repository: action.repository }),
    ...(action.ref === undefined ? {} : { action_ref: action.ref }),
  };
  const run = (program: string, state: ReadonlyMap<string, string>) =>
    runProgram(attempt, { ready, directory: action.directory, program, extra: { ...variables, ...stateVariables(state) }, about });
  let state: ReadonlyMap<string, string> = new Map();
  if (runs.pre !== undefined) {
    if (action.repository === undefined)
      attempt.output.writeWarning(`\`pre\` execution is not supported for local action from '${ready.uses}'`);
    else if (evaluateCondition({ expression: runs.preIf }, job.scope({ at: ready.at, environment: ready.environment }))) {
      const pre = await run(runs.pre, state);
      const end = endOfProgram(pre);
      if (end.outcome !== "success" || attempt.options.running.stopReason !== undefined) return end;
      state = pre.state;
    }
  }
  const main = await run(runs.main, state);
  if (runs.post !== undefined) {
    attempt.posts.push(registerPost(attempt, { ready, action, runs, inputs: variables }, runs.post, new Map([...state, ...main.state])));
  }
  return endOfProgram(main);
}

function registerPost(attempt: StepAttempt, run: NodeActionRun, program: string, state: ReadonlyMap<string, string>): RegisteredPost {
  const { ready, action, runs, inputs } = run;
  const { job } = attempt;
  const toValue = (text: string) => job.toValue(text);
  const own = Object.entries(ready.environment).filter(([name, value]) => job.environmentAt(ready.at)[name] !== value);
  return {
    name: job.masker.maskText(`Post ${ready.name}`),
    condition: runs.postIf,
    state: mapValues(Object.fromEntries(state), toValue),
    action: {
      kind: "node",
      directory: action.directory,
      program,
      inputs: mapValues(inputs, toValue),
      environment: mapValues(Object.fromEntries(own), toValue),
    },
  };
}

/** B15: in the foreground, with the state that its main step saved. */
export async function runPost(attempt: StepAttempt, ready: ReadyPost): Promise<StepEnd> {
  const { directory, program, inputs } = ready.action;
  const open = mapValues(inputs, (value) => attempt.job.sealer.fromStepValue(value));
  const extra = { ...open, ...stateVariables(new Map(Object.entries(ready.state))) };
  return endOfProgram(await runProgram(attempt, { ready, directory, program, extra, about: {} }));
}

interface NodeProgram {
  readonly ready: ReadyUses | ReadyPost;
  readonly directory: string;
  readonly program: string;
  readonly extra: Texts;
  readonly about: Texts;
}

async function runProgram(attempt: StepAttempt, { ready, directory, program, extra, about }: NodeProgram): Promise<ProgramEnd> {
  const { job, options } = attempt;
  const file = resolve(directory, program);
  if (!existsSync(file)) {
    return { outputs: new Map(), state: new Map(), failures: [`The action's program is not there: ${file}. Build the action first.`] };
  }
  const scripts = options.scripts.take(job.runMark);
  try {
    const env = stepEnvironment(job, {
      environment: attempt.environmentOver(ready.environment),
      path: attempt.pathOver(ready.path),
      scripts,
      marker: options.marker,
      github: { ...about, action: ready.contextName },
      extra,
    });
    const { workspace } = job.request.directories;
    return await attempt.run({ command: process.execPath, args: [file], readsBashEnv: false, cwd: workspace, env, scripts });
  } finally {
    options.scripts.discard(scripts);
  }
}

function stateVariables(state: ReadonlyMap<string, string>): Texts {
  return Object.fromEntries([...state].map(([name, value]) => [`STATE_${name}`, value]));
}
