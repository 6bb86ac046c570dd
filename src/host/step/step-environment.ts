// The environment of a step's process: base < workflow < job < GITHUB_ENV < step, then what the contexts give.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { scalarText } from "../../expressions/evaluate-template.ts";
import type { JsonValue } from "../../model/payload.ts";
import type { HostedJob } from "../job/hosted-job.ts";
import { MARKER } from "../process/step-processes.ts";
import type { ScriptDirectory } from "./script-directories.ts";

type Texts = { readonly [name: string]: string };

export interface StepEnvironment {
  readonly environment: Texts;
  readonly path: readonly string[];
  readonly scripts: ScriptDirectory;
  readonly marker: string;
  /** `github.action` and what else an action sees in its own way. */
  readonly github: { readonly [name: string]: JsonValue };
  /** INPUT_* and STATE_*. */
  readonly extra?: Texts;
}

/** Keys of `github` that steps get as GITHUB_*, as on GitHub. */
const GITHUB_KEYS = new Set(
  (
    "action action_path action_ref action_repository actor actor_id api_url base_ref event_name event_path graphql_url head_ref job " +
    "ref ref_name ref_protected ref_type repository repository_id repository_owner repository_owner_id retention_days run_attempt " +
    "run_id run_number server_url sha triggering_actor workflow workflow_ref workflow_sha workspace"
  ).split(" "),
);

export function stepEnvironment(job: HostedJob, step: StepEnvironment): { readonly [name: string]: string } {
  const { request } = job;
  const fixed = fixedEnvironment(job);
  const env: { [name: string]: string } = { ...request.baseEnvironment, ...fixed.defaults, ...step.environment };
  if (step.path.length > 0) env["PATH"] = [...step.path, ...(env["PATH"] ? [env["PATH"]] : [])].join(":");
  Object.assign(env, fixed.forced, step.extra);
  for (const [name, value] of Object.entries(step.github)) {
    if (GITHUB_KEYS.has(name) && value !== null && typeof value !== "object") env[`GITHUB_${name.toUpperCase()}`] = scalarText(value);
  }
  const { path } = step.scripts;
  env["GITHUB_OUTPUT"] = `${path}/output`;
  env["GITHUB_ENV"] = `${path}/env`;
  env["GITHUB_PATH"] = `${path}/path`;
  env["GITHUB_STATE"] = `${path}/state`;
  env["GITHUB_STEP_SUMMARY"] = `${path}/step_summary`;
  env[MARKER] = step.marker;
  return env;
}

interface FixedEnvironment {
  /** A step may say otherwise. */
  readonly defaults: Texts;
  readonly forced: Texts;
}

const fixedOf = new WeakMap<HostedJob, FixedEnvironment>();

/** The same for every step of a job; files that it names are written once. */
function fixedEnvironment(job: HostedJob): FixedEnvironment {
  let fixed = fixedOf.get(job);
  if (fixed === undefined) {
    fixed = makeFixed(job);
    fixedOf.set(job, fixed);
  }
  return fixed;
}

function makeFixed(job: HostedJob): FixedEnvironment {
  const { request } = job;
  const { workspace, temp } = request.directories;
  const forced: { [name: string]: string } = { GITHUB_ACTIONS: "true" };
  for (const [name, value] of Object.entries(job.runner)) {
    if (value !== null && typeof value !== "object") forced[`RUNNER_${name.toUpperCase()}`] = scalarText(value);
  }
  for (const [name, value] of Object.entries(job.github)) {
    if (GITHUB_KEYS.has(name) && value !== null && typeof value !== "object") forced[`GITHUB_${name.toUpperCase()}`] = scalarText(value);
  }
  forced["GITHUB_WORKSPACE"] = workspace;
  const folder = join(temp, "_signalbox");
  mkdirSync(folder, { recursive: true });
  const event = job.github["event"];
  if (event !== undefined && forced["GITHUB_EVENT_PATH"] === undefined) {
    const file = join(folder, "event.json");
    writeFileSync(file, JSON.stringify(event), { mode: 0o600 });
    forced["GITHUB_EVENT_PATH"] = file;
  }
  const gitConfig = join(folder, "gitconfig");
  writeFileSync(gitConfig, userGitConfigs(request.baseEnvironment), { mode: 0o600 });
  const defaults: Texts = {
    CI: "true",
    GIT_CONFIG_GLOBAL: gitConfig,
    ...(request.inPlace ? {} : { GIT_CEILING_DIRECTORIES: dirname(workspace) }),
    ...(job.isDebug ? { RUNNER_DEBUG: "1" } : {}),
  };
  return { defaults, forced };
}

/** What `git config --global` writes in a job stays in the job; what the user has set holds. */
function userGitConfigs(base: Texts): string {
  const home = base["HOME"];
  const named = base["GIT_CONFIG_GLOBAL"];
  const xdg = base["XDG_CONFIG_HOME"] ?? (home === undefined ? undefined : join(home, ".config"));
  const files = named ? [named] : [...(xdg ? [join(xdg, "git", "config")] : []), ...(home ? [join(home, ".gitconfig")] : [])];
  return files.map((file) => `[include]\n\tpath = "${file.replaceAll(/["\\]/g, "\\$&")}"\n`).join("");
}
