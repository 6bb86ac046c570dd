// What the host notes about a post step when its main step registers it; it lies in history between the two.

import { SignalboxError } from "../../model/errors.ts";
import type { StepValue } from "../../model/host-port.ts";
import type { JsonValue } from "../../model/payload.ts";

export interface PostAction {
  readonly kind: "node";
  /** The action's folder, and the program in it. */
  readonly directory: string;
  readonly program: string;
  /** INPUT_*; what a mask would change is sealed. */
  readonly inputs: { readonly [name: string]: StepValue };
  readonly environment: { readonly [name: string]: StepValue };
}

export function readPostAction(value: JsonValue): PostAction {
  if (typeof value === "object" && value !== null && "kind" in value && value.kind === "node") {
    return value as unknown as PostAction; // Written by this host's own code and read back from history.
  }
  throw new SignalboxError("HOST_FAILED", "A post step does not say what it runs: its history was written by another version.");
}
