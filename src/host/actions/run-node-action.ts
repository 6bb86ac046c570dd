// JavaScript actions, run by the host's own Node: main, its pre step before the job's first step, and the post step that
// either of them registers.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { NodeRuns } from "../../model/action-definition.ts";
import { isSamePlace } from "../../model/action-place.ts";
import type { RegisteredPost } from "../../model/host-port.ts";
import { mapValues } from "../job/published-results.ts";
import type { ReadyPost, ReadyPre, ReadyUses } from "../step/ready-step.ts";
import type { ProgramEnd, StepAttempt } from "../step/step-attempt.ts";
import { endOfProgram, failed, type StepEnd } from "../step/step-end.ts";
import { stepEnvironment } from "../step/step-environment.ts";
import { actionInputs, inputVariables } from "./action-inputs.ts";
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
  const { step, states } = attempt.options;
  if (runs.pre !== undefined && !job.pres.some((pre) => pre.main === step && isSamePlace(pre.place, ready.place)))
    attempt.output.writeWarning(`\`pre\` execution is not supported for local action from '${ready.uses}'`);
  const saved = states.find(({ place }) => isSamePlace(place, ready.place))?.state ?? {};
  const state = new Map(Object.entries(mapValues(saved, (value) => job.sealer.fromStepValue(value))));
  const variables = inputVariables(inputs);
  const extra = { ...variables, ...stateVariables(state) };
  const main = await runProgram(attempt, { ready, directory: action.directory, program: runs.main, extra, about: aboutOf(action) });
  const after = new Map([...state, ...main.state]);
  attempt.posts.push(...postOf(attempt, { ready, name: ready.name, action, runs, inputs: variables, state: after }));
  return endOfProgram(main);
}

/** B15: in the foreground, before the job's first step. */
export async function runPre(attempt: StepAttempt, ready: ReadyPre): Promise<StepEnd> {
  const { action, at, environment, contexts, mainName } = ready;
  const { definition, directory } = action;
  const { runs } = definition;
  if (!("pre" in runs)) return failed(`The action in ${directory} has no 'pre'.`);
  const scope = attempt.job.scope({ at, environment, ...(contexts === undefined ? {} : { contexts }) });
  const inputs = inputVariables(actionInputs(definition, ready.inputs, scope).values);
  const pre = await runProgram(attempt, { ready, directory, program: runs.pre, extra: inputs, about: aboutOf(action) });
  attempt.state = pre.state;
  // Its post step runs even if its main step never does.
  attempt.posts.push(...postOf(attempt, { ready, name: mainName, action, runs, inputs, state: pre.state }));
  return endOfProgram(pre);
}

function aboutOf({ repository, ref }: LoadedAction): Texts {
  return { ...(repository === undefined ? {} : { action_repository: repository }), ...(ref === undefined ? {} : { action_ref: ref }) };
}

interface PostSource {
  readonly ready: ReadyUses | ReadyPre;
  /** Of the main step. */
  readonly name: string;
  readonly action: LoadedAction;
  readonly runs: NodeRuns;
  readonly inputs: Texts;
  readonly state: ReadonlyMap<string, string>;
}

function postOf(attempt: StepAttempt, { ready, name, action, runs, inputs, state }: PostSource): readonly RegisteredPost[] {
  if (runs.post === undefined) return [];
  const { job } = attempt;
  const toValue = (text: string) => job.toValue(text);
  const own = Object.entries(ready.environment).filter(([name, value]) => job.environmentAt(ready.at)[name] !== value);
  return [
    {
      ...(ready.place.length === 0 ? {} : { place: ready.place }),
      name: job.masker.maskText(`Post ${name}`),
      condition: runs.postIf,
      state: mapValues(Object.fromEntries(state), toValue),
      action: {
        kind: "node",
        directory: action.directory,
        program: runs.post,
        inputs: mapValues(inputs, toValue),
        environment: mapValues(Object.fromEntries(own), toValue),
      },
    },
  ];
}

/** B15: in the foreground, with the state that its main step saved. */
export async function runPost(attempt: StepAttempt, ready: ReadyPost): Promise<StepEnd> {
  const { directory, program, inputs } = ready.action;
  const open = mapValues(inputs, (value) => attempt.job.sealer.fromStepValue(value));
  const extra = { ...open, ...stateVariables(new Map(Object.entries(ready.state))) };
  return endOfProgram(await runProgram(attempt, { ready, directory, program, extra, about: {} }));
}

interface NodeProgram {
  readonly ready: ReadyUses | ReadyPre | ReadyPost;
  readonly directory: string;
  readonly program: string;
  readonly extra: Texts;
  readonly about: Texts;
}

async function runProgram(attempt: StepAttempt, { ready, directory, program, extra, about }: NodeProgram): Promise<ProgramEnd> {
  const { job, options } = attempt;
  const file = resolve(directory, program);
  if (!existsSync(file)) return attempt.refuse(`The action's program is not there: ${file}. Build the action first.`);
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
