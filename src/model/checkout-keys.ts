// The keys of `with:` at `actions/checkout` of the own repository. The workspace gets the whole repository with all
// history, tags and submodules, so that a key that asks for a part of that is met; a key that asks for something else
// is an error: of the plan's check where the file says it, of the host where only evaluation tells.

export const CHECKOUT_KEYS = [
  /** Where in the workspace. */
  "path",
  /** Whether what lies there goes first. */
  "clean",
  "fetch-depth",
  "fetch-tags",
  "filter",
  "submodules",
  "show-progress",
  "set-safe-directory",
  "persist-credentials",
  "token",
] as const;

/** Honoured only if they name what the workspace holds anyway. */
export const CHECKOUT_OWN_KEYS = ["repository", "ref"] as const;
