import type { JsonValue } from "../../model/payload.ts";

export interface RepositoryFacts {
  /** `owner/name`, or the folder's name where there is no remote. */
  readonly repository: string;
  /** `refs/heads/main`; absent on a detached head. */
  readonly ref?: string;
  readonly sha?: string;
  readonly defaultBranch?: string;
  readonly actor: string;
}

const NO_COMMIT = "0".repeat(40);

/** What `github.event` holds when nobody gave a payload: what the repository can say about itself, in GitHub's shape. */
export function defaultPayload(
  event: string,
  facts: RepositoryFacts,
  given: { readonly inputs?: { readonly [name: string]: JsonValue }; readonly cron?: string } = {},
): { readonly [key: string]: JsonValue } {
  const [owner = "", name = facts.repository] = facts.repository.includes("/") ? facts.repository.split("/") : ["", facts.repository];
  const common = {
    repository: { name, full_name: facts.repository, owner: { login: owner }, default_branch: facts.defaultBranch ?? "main" },
    sender: { login: facts.actor },
  };
  const ref = facts.ref ?? null;
  const sha = facts.sha ?? NO_COMMIT;
  switch (event) {
    case "push":
      return {
        ...common,
        ref,
        before: NO_COMMIT,
        after: sha,
        created: false,
        deleted: false,
        forced: false,
        commits: [],
        pusher: { name: facts.actor },
      };
    case "workflow_dispatch":
      return { ...common, ref, inputs: given.inputs ?? {} };
    case "schedule":
      return { ...common, schedule: given.cron ?? null };
    case "pull_request":
    case "pull_request_target": {
      const head = { ref: (facts.ref ?? "").replace(/^refs\/heads\//, ""), sha };
      const base = { ref: facts.defaultBranch ?? "main" };
      return {
        ...common,
        action: "opened",
        number: 1,
        pull_request: { number: 1, draft: false, head, base, user: { login: facts.actor } },
      };
    }
    default:
      return common;
  }
}
