// The contexts of a run that its file's expressions see, put together once and recorded: what git says, the event, and what
// the person gave. The token is not among them: it is a secret, and goes to hosts from memory.

import { arch, platform } from "node:os";
import type { GitFacts } from "../../host/workspace/git-facts.ts";
import type { JsonValue } from "../../model/payload.ts";
import type { RunInputs } from "../../model/run-view.ts";

type JsonObject = { readonly [name: string]: JsonValue };

/** What the context needs to know about the repository. */
export type RepositoryFacts = Omit<GitFacts, "root" | "isGit">;

export interface RunFacts {
  readonly git: RepositoryFacts;
  readonly inputs: RunInputs;
  /** The workflow's name, and its file relative to the repository. */
  readonly workflow: string;
  readonly file: string;
  readonly startedAt: number;
  readonly runNumber: number;
  readonly runAttempt: number;
}

export function runContexts(facts: RunFacts): { readonly github: JsonObject; readonly vars: JsonObject } {
  return { github: githubContext(facts), vars: facts.inputs.vars };
}

function githubContext({ git, inputs, workflow, file, startedAt, runNumber, runAttempt }: RunFacts): JsonObject {
  const isPullRequest = inputs.event.startsWith("pull_request");
  const api = git.serverUrl === "https://github.com" ? "https://api.github.com" : `${git.serverUrl}/api/v3`;
  return {
    actor: git.actor,
    triggering_actor: git.actor,
    api_url: api,
    graphql_url: git.serverUrl === "https://github.com" ? `${api}/graphql` : `${git.serverUrl}/api/graphql`,
    server_url: git.serverUrl,
    base_ref: isPullRequest ? git.defaultBranch : "",
    head_ref: isPullRequest ? git.headBranch : "",
    event_name: inputs.event,
    event: eventPayload(git, inputs, file),
    ref: git.ref,
    ref_name: git.refName,
    ref_type: git.refType,
    ref_protected: false,
    repository: git.repository,
    repository_owner: git.repositoryOwner,
    repositoryUrl: git.remoteUrl,
    retention_days: "90",
    // A number, as actions expect it: the moment of the start names a run as well as a counter does.
    run_id: String(startedAt),
    run_number: String(runNumber),
    run_attempt: String(runAttempt),
    secret_source: "Actions",
    sha: git.sha,
    workflow,
    workflow_ref: `${git.repository}/${file}@${git.ref}`,
    workflow_sha: git.sha,
  };
}

/** The event as it would have been sent: what the person gave, over what git knows. */
function eventPayload(git: RepositoryFacts, inputs: RunInputs, file: string): JsonObject {
  const given = isObject(inputs.eventPayload) ? inputs.eventPayload : {};
  const common = {
    repository: {
      name: git.repositoryName,
      full_name: git.repository,
      owner: { login: git.repositoryOwner, name: git.repositoryOwner },
      default_branch: git.defaultBranch,
      html_url: `${git.serverUrl}/${git.repository}`,
      clone_url: git.remoteUrl,
    },
    sender: { login: git.actor },
  };
  return { ...common, ...ofEvent(git, inputs, file), ...given };
}

function ofEvent(git: RepositoryFacts, inputs: RunInputs, file: string): JsonObject {
  switch (inputs.event) {
    case "push":
      return {
        ref: git.ref,
        before: "0".repeat(40),
        after: git.sha,
        base_ref: null,
        created: false,
        deleted: false,
        forced: false,
        head_commit: { id: git.sha },
        pusher: { name: git.actor },
      };
    case "workflow_dispatch":
      return { inputs: inputs.inputs, ref: git.ref, workflow: file };
    case "pull_request":
    case "pull_request_target":
      return {
        action: "synchronize",
        number: 1,
        pull_request: {
          number: 1,
          head: { ref: git.headBranch, sha: git.sha, repo: { full_name: git.repository } },
          base: { ref: git.defaultBranch, repo: { full_name: git.repository } },
        },
      };
    default:
      return {};
  }
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const OS: { readonly [platform: string]: string } = { linux: "Linux", darwin: "macOS", win32: "Windows" };
const ARCH: { readonly [arch: string]: string } = { x64: "X64", arm64: "ARM64", ia32: "X86", arm: "ARM" };

/** The `runner` context of a job on this machine. */
export function runnerContext(directories: { readonly temp: string; readonly toolCache: string; readonly workspace: string }): JsonObject {
  return {
    name: "signalbox",
    os: OS[platform()] ?? platform(),
    arch: ARCH[arch()] ?? arch().toUpperCase(),
    environment: "self-hosted",
    debug: "",
    temp: directories.temp,
    tool_cache: directories.toolCache,
    workspace: directories.workspace,
  };
}
