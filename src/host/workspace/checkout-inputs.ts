// The keys of `with:` at `actions/checkout` of the own repository. The workspace gets the whole repository with all
// history, tags and submodules, so that a key that asks for a part of that is met; a key that asks for something else
// is an error.

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

export interface CheckoutInputs {
  readonly path?: string;
  readonly clean: boolean;
}

/** Keys that cannot be honoured; `own` tells whether a repository or ref is the run's own. */
export function unsupportedCheckoutKeys(
  inputs: { readonly [key: string]: string },
  own: (key: (typeof CHECKOUT_OWN_KEYS)[number], value: string) => boolean,
): readonly string[] {
  return Object.entries(inputs)
    .filter(([key, value]) => {
      const name = key.toLowerCase();
      const ownKey = CHECKOUT_OWN_KEYS.find((candidate) => candidate === name);
      if (ownKey !== undefined) return value !== "" && !own(ownKey, value);
      return value !== "" && !CHECKOUT_KEYS.some((candidate) => candidate === name);
    })
    .map(([key]) => key);
}

export function parseCheckoutInputs(inputs: { readonly [key: string]: string }): CheckoutInputs {
  const value = (name: string) =>
    Object.entries(inputs)
      .find(([key]) => key.toLowerCase() === name)?.[1]
      .trim() ?? "";
  const path = value("path");
  return { ...(path ? { path } : {}), clean: value("clean").toLowerCase() !== "false" };
}
