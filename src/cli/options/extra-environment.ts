import { SignalboxError } from "../../model/errors.ts";
import type { NamedText } from "./parsers.ts";

/** `--env NAME=v`, and `--env NAME` with the value that the command itself was started with. */
export function extraEnvironment(
  given: readonly NamedText[],
  environment: { readonly [name: string]: string | undefined },
): { readonly [name: string]: string } {
  return Object.fromEntries(
    given.map(({ name, value }) => {
      const found = value ?? environment[name];
      if (found !== undefined) return [name, found];
      throw new SignalboxError(
        "INVALID_ARGUMENT",
        `--env ${name}: the environment has no variable ${name}. Set it, or give --env ${name}=value.`,
      );
    }),
  );
}
