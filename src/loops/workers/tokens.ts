// Completion tokens: what an answer is about (E5), as text that workers hand back unread.

import { type ActionId, asExecutionId, type ExecutionId } from "../../model/ids.ts";
import type { InstanceRef } from "../../model/parts.ts";
import type { CompletionToken } from "./work-item.ts";

interface Subject {
  /** Of the node that sent the item. */
  readonly epoch: number;
  readonly ref: InstanceRef;
  readonly executionId: ExecutionId;
}
/** Batches of new events or operations are numbered by the node that made them: another batch has another number. */
export interface BatchSubject extends Subject {
  readonly sort: "orchestration" | "entity";
  readonly batch: number;
}
export interface ActivitySubject extends Subject {
  readonly sort: "activity";
  readonly actionId: ActionId;
  readonly attempt: number;
}
export type TokenSubject = BatchSubject | ActivitySubject;

const LETTERS = { orchestration: "o", activity: "a", entity: "e" } as const;
/** Sort, epoch, ref, batch or action, attempt, and last the execution id, which may hold anything. */
const TOKEN = /^([oae])\.(\d{1,15})\.(\d{1,15})\.(-?\d{1,15})\.(\d{1,15})\.([\s\S]*)$/;

export function tokenOf(subject: TokenSubject): CompletionToken {
  const { sort, epoch, ref, executionId } = subject;
  const [what, attempt] = sort === "activity" ? [subject.actionId, subject.attempt] : [subject.batch, 0];
  return `${LETTERS[sort]}.${epoch}.${ref}.${what}.${attempt}.${executionId}`;
}

/** Undefined for what is no token of ours. */
export function subjectOf(token: CompletionToken): TokenSubject | undefined {
  const [, letter, epoch, ref, what, attempt, executionId] = TOKEN.exec(token) ?? [];
  if (executionId === undefined) return undefined;
  const subject = { epoch: Number(epoch), ref: Number(ref), executionId: asExecutionId(executionId) };
  if (letter === "a") return { sort: "activity", ...subject, actionId: Number(what), attempt: Number(attempt) };
  return { sort: letter === "o" ? "orchestration" : "entity", ...subject, batch: Number(what) };
}
