// A step whose expressions have been evaluated at the moment it was reached (B2): what is left is to run it.

import type { ActionPlace, StepPosition } from "../../model/host-port.ts";
import type { JsonValue } from "../../model/payload.ts";
import type { LoadedAction } from "../actions/load-action.ts";
import type { PostAction } from "../actions/post-action.ts";

type Texts = { readonly [name: string]: string };

interface ReadyBase {
  readonly key: string;
  /** The id that people gave, or the key. */
  readonly contextName: string;
  readonly name: string;
  readonly timeoutMinutes?: number;
  readonly at: StepPosition;
  /** Workflow < job < GITHUB_ENV < step. */
  readonly environment: Texts;
  /** GITHUB_PATH so far, the latest first. */
  readonly path: readonly string[];
}

export interface ReadyRun extends ReadyBase {
  readonly kind: "run";
  readonly script: string;
  readonly shell?: string;
  readonly workingDirectory?: string;
}

export interface ReadyUses extends ReadyBase {
  readonly kind: "uses";
  readonly uses: string;
  readonly place: ActionPlace;
  readonly inputs: Texts;
  /** As it was when the step was reached (B2); absent where it could not be loaded, which fails the step when it runs. */
  readonly action?: LoadedAction;
  /** Of the action that the step stands in. */
  readonly contexts?: { readonly [name: string]: JsonValue };
}

export interface ReadyPre extends ReadyBase {
  readonly kind: "pre";
  /** Of its main step. */
  readonly mainName: string;
  readonly action: LoadedAction;
  readonly place: ActionPlace;
  readonly inputs: Texts;
  readonly contexts?: { readonly [name: string]: JsonValue };
}

export interface ReadyPost extends ReadyBase {
  readonly kind: "post";
  readonly action: PostAction;
  readonly state: Texts;
}

export type ReadyStep = ReadyRun | ReadyUses | ReadyPre | ReadyPost;
