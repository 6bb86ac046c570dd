import type { PartAnswer, StartPart } from "../model/parts.ts";

/** A start whose replaceable statuses name active ones too. */
export interface Replacement {
  readonly part: StartPart;
  answered(answer: PartAnswer): void;
  refused(error: Error): void;
}
