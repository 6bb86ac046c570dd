import { CHECKOUT_KEYS, CHECKOUT_OWN_KEYS } from "../../model/checkout-keys.ts";

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
