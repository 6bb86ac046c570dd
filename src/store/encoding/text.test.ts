import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BLOB_THRESHOLD, type BlobSink, blobsOf, encodeText, expandText, MAX_TEXT_LENGTH } from "./text.ts";

function roundTrip(value: unknown): unknown {
  const blobs: BlobSink = new Map();
  const text = encodeText(value, blobs);
  expect(new Set(blobsOf(text))).toEqual(new Set(blobs.keys()));
  return JSON.parse(expandText(text, (hash) => blobs.get(hash) ?? ""));
}

const units = fc.string({ unit: fc.constantFrom("\0", "#", "@", "\n", '"', "\\", "\ud800", "\udc00", "é", "a") });
const large = units.map((text) => text + "x".repeat(BLOB_THRESHOLD));

describe("texts", () => {
  test("any value comes back exactly, with large strings anywhere in it", () => {
    const leaf = fc.oneof(units, fc.oneof({ weight: 1, arbitrary: large }), fc.constant(null), fc.integer(), fc.boolean());
    const value = fc.oneof(leaf, fc.array(fc.dictionary(units, leaf), { maxLength: 4 }));
    fc.assert(
      fc.property(value, (each) => {
        expect(roundTrip(each)).toEqual(JSON.parse(JSON.stringify(each)));
      }),
      { numRuns: 200 },
    );
  });

  test("the same large string is one blob, whatever stands around it", () => {
    const blobs: BlobSink = new Map();
    const payload = "x".repeat(BLOB_THRESHOLD);
    encodeText({ a: payload, b: [payload] }, blobs);
    encodeText(payload, blobs);
    expect(blobs.size).toBe(1);
  });

  test("many small strings over the threshold together are no blobs", () => {
    const blobs: BlobSink = new Map();
    const text = encodeText(
      Array.from({ length: 10_000 }, (_, at) => `\0item ${at}`),
      blobs,
    );
    expect(blobs.size).toBe(0);
    expect(text.startsWith("[")).toBe(true);
  });

  test("values that are too large or too deep are refused by their limit", () => {
    expect(() => encodeText("x".repeat(MAX_TEXT_LENGTH), new Map())).toThrow(expect.objectContaining({ code: "LIMIT_EXCEEDED" }));
    let deep: unknown = null;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(() => encodeText(deep, new Map())).toThrow(expect.objectContaining({ code: "LIMIT_EXCEEDED" }));
  });
});
