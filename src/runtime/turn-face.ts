import type { Action } from "../model/actions.ts";
import type { Failure } from "../model/failure.ts";
import type { Payload } from "../model/payload.ts";
import type { Value } from "./context.ts";

/** A call whose resolution is still to come. */
export interface Call {
  readonly resolve: (result: Value) => void;
  readonly reject: (failure: Failure) => void;
}

/** What a live orchestration offers to its ctx. */
export interface TurnFace {
  readonly now: number;
  readonly isReplaying: boolean;
  readonly maxPayloadLength: number;
  /** The other side runs each scheduled activity once and knows no options. */
  readonly attemptsActivities: boolean;
  readonly problem: string | undefined;
  /** False if the call must do nothing. */
  enter(call: string): boolean;
  nextActionId(): number;
  ask(action: Action): void;
  /** By action id, or by the id of an entity call or a critical section. */
  expect(id: number | string, call: Call): void;
  forget(id: number | string): void;
  awaitEvent(name: string, call: Call): void;
  setCustomStatus(payload: Payload | undefined): void;
  isPatched(marker: Payload): boolean;
  continueAsNew(input: Payload | undefined, version: string | undefined, keepEvents: boolean): void;
  stall(reason: string): void;
}
