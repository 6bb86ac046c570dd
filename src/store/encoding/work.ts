// What an activity is, beside its key and its state, as one text. Its name comes first, so that who needs the name alone
// need not read the rest.

import type { NewActivity } from "../store.ts";
import { type BlobSink, encodeText, type Text } from "./text.ts";

const NAME = /^(?:@[^\n]*\n)?\{"name":("(?:[^"\\]|\\.)*")/;

export function encodeWork({ name, version, input, tags, options, traceContext, scheduledAt }: NewActivity, blobs: BlobSink): Text {
  const work: { [Field in keyof Omit<NewActivity, "actionId" | "inFlight">]-?: NewActivity[Field] | undefined } = {
    name,
    version,
    input,
    tags,
    options,
    traceContext,
    scheduledAt,
  };
  return encodeText(work, blobs);
}

export function nameOfWork(work: Text): string {
  const [, json] = NAME.exec(work) ?? [];
  const name: unknown = json === undefined ? undefined : JSON.parse(json);
  if (typeof name !== "string") throw new TypeError(`an activity without a name: ${work.slice(0, 80)}`);
  return name;
}
