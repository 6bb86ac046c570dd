// What goes between an engine and a host, as text in frames. Requests have ids; a reply or event names its request. A
// request that comes twice is carried out once.

import { ERROR_CODES, type ErrorCode } from "../../model/errors.ts";
import type { StepEvent } from "../../model/host-port.ts";

const HOST_METHODS = [
  "openJob",
  "prepareStep",
  "runStep",
  "cancelStep",
  "reevaluate",
  "evaluateOutputs",
  "closeJob",
  "recover",
  "dispose",
] as const;
export type HostMethod = (typeof HOST_METHODS)[number];

export interface HostRequest {
  readonly kind: "request";
  readonly id: number;
  readonly method: HostMethod;
  readonly params: unknown;
}

export type HostReply =
  | { readonly kind: "result"; readonly id: number; readonly result: unknown }
  | { readonly kind: "error"; readonly id: number; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: "event"; readonly id: number; readonly event: StepEvent };

export type HostMessage = HostRequest | HostReply;

export function encodeMessage(message: HostMessage): string {
  return JSON.stringify(message);
}

/** Both ends are of one version and the channel is private: what it carries was made by `encodeMessage`. */
export function decodeMessage(frame: string): HostMessage {
  return JSON.parse(frame) as HostMessage;
}

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && code in ERROR_CODES;
}
