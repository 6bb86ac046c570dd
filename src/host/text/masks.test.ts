import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MASK } from "./mask-stream.ts";
import { Masker } from "./masker.ts";
import { ValueSealer } from "./sealed-value.ts";

const SECRET = "s3cr=t/+\"v'al&ue <$x>%\\;é";

/** Cuts bytes at the given places. */
function pieces(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place));
}

function streamed(masker: Masker, parts: readonly Buffer[]): string {
  const stream = masker.stream();
  return Buffer.concat([...parts.map((part) => stream.push(part)), stream.end()]).toString("latin1");
}

const percent = (text: string) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");

describe("a secret is hidden", () => {
  const forms: readonly (readonly [string, string])[] = [
    ["plain", SECRET],
    ["in a URL", encodeURIComponent(SECRET)],
    ["in a URL, lower case", encodeURIComponent(SECRET).replace(/%../g, (code) => code.toLowerCase())],
    ["in a form", new URLSearchParams({ a: SECRET }).toString().slice(2)],
    ["in a whole URL", encodeURI(SECRET)],
    ["in JSON", JSON.stringify(SECRET)],
    ["in JSON in JSON", JSON.stringify(JSON.stringify({ a: SECRET }))],
    ["in ASCII JSON", JSON.stringify(SECRET).replace("é", "\\u00e9")],
    [
      "in XML",
      SECRET.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;").replaceAll("'", "&#39;"),
    ],
    ["in shell quotes", `'${SECRET.replaceAll("'", `'\\''`)}'`],
    ["in double shell quotes", `"${SECRET.replace(/["\\$`]/g, "\\$&")}"`],
    ["in base64", Buffer.from(SECRET).toString("base64")],
    ["in base64url", Buffer.from(SECRET).toString("base64url")],
    ["in base64 of a text that begins with it", Buffer.from(`${SECRET}\n`).toString("base64")],
    ["in base64, second alignment", Buffer.from(`a${SECRET}`).toString("base64")],
    ["in base64, third alignment", Buffer.from(`ab${SECRET}cd`).toString("base64")],
  ];
  test.each(forms)("%s", (_, text) => {
    const masker = new Masker([SECRET]);
    expect(masker.wouldMask(text)).toBe(true);
    const masked = masker.maskText(`before ${text} after`);
    expect(masked).toMatch(/^before .*\*\*\*.* after$/);
    for (const part of [text.slice(2, -2), SECRET.slice(3, 9), percent(SECRET).slice(6, 20)]) expect(masked).not.toContain(part);
  });

  test("with base64 that is wrapped as `base64` wraps it", () => {
    const secret = "k".repeat(40) + "ey".repeat(40);
    const wrapped = (
      Buffer.from(`${secret}\n`)
        .toString("base64")
        .match(/.{1,76}/g) ?? []
    ).join("\n");
    const lines = new Masker([secret]).maskText(wrapped).split("\n");
    expect(lines[0]).toBe(MASK);
    expect(lines[1]?.startsWith(MASK)).toBe(true);
  });

  test("by line, trimmed, without the quotes around it, and whole where it stands on one line", () => {
    const value = "-----BEGIN-----\r\n  abcdef\n\n'quoted'\n";
    const masker = new Masker([value]);
    expect(masker.maskText("x -----BEGIN----- y\nabcdef\nquoted")).toBe("x *** y\n***\n***");
    expect(masker.maskText(JSON.stringify({ v: value }))).not.toContain("abcdef");
    expect(masker.maskText(Buffer.from(value).toString("base64"))).toBe(MASK);
  });

  test("if it is short, as on GitHub, but its encoded forms do not hit half of every log; a blank one is none", () => {
    const masker = new Masker(["ab", " ", "\n", ""]);
    expect(masker.maskText("cab YWI= ")).toBe("c*** YWI= ");
    expect(masker.add(" \t")).toBe(false);
    expect(masker.add("ab")).toBe(false);
  });
});

describe("masking", () => {
  const secret = fc.stringMatching(/^[ab01"&% =]{1,12}$/);
  const secrets = fc.array(secret, { minLength: 1, maxLength: 5 });
  const text = fc.array(fc.oneof(fc.constantFrom("a", "b", "0", "1", "\n", "\r\n", "*", "é", '"', "YWI"), secret), { maxLength: 60 });

  test("where a stream is cut changes nothing", () => {
    fc.assert(
      fc.property(secrets, text, fc.array(fc.nat(), { maxLength: 20 }), (values, parts, cuts) => {
        const masker = new Masker(values);
        const bytes = Buffer.from([...parts, ...values].join(""));
        const whole = masker.maskBytes(bytes).toString("latin1");
        expect(streamed(masker, pieces(bytes, cuts))).toBe(whole);
        expect(
          streamed(
            masker,
            [...bytes].map((byte) => Buffer.of(byte)),
          ),
        ).toBe(whole);
      }),
      { numRuns: 300 },
    );
  });

  test("finds exactly what a search for each form finds", () => {
    const patterns = fc.array(fc.stringMatching(/^[ab]{1,6}$/), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(patterns, fc.stringMatching(/^[abc]{0,60}$/), (values, hay) => {
        const hidden = new Uint8Array(hay.length);
        for (const value of values)
          for (let at = hay.indexOf(value); at >= 0; at = hay.indexOf(value, at + 1)) hidden.fill(1, at, at + value.length);
        const masker = new Masker();
        // Added one by one with searches between: several automata.
        for (const value of values) {
          masker.add(value);
          masker.wouldMask("x");
        }
        const { spans } = masker.find(Buffer.from(hay));
        const found = new Uint8Array(hay.length);
        for (let index = 0; index < spans.length; index += 2) found.fill(1, spans[index], spans[index + 1]);
        expect(found).toEqual(hidden);
      }),
      { numRuns: 500 },
    );
  });

  test("a mask that is added in the middle holds for what is held back too; a line's end holds nothing back", () => {
    const masker = new Masker(["hello world"]);
    const stream = masker.stream();
    expect(stream.push(Buffer.from("x\nhello wor")).toString()).toBe("x\n");
    masker.add("wor");
    expect(stream.push(Buffer.from("m hello\n")).toString()).toBe("hello ***m hello\n");
    expect(stream.end().length).toBe(0);
  });

  test("overlapping and touching secrets become one mask", () => {
    const masker = new Masker(["abc", "cde", "fgh"]);
    expect(masker.maskText("xabcdefghx")).toBe("x***x");
  });

  test("costs time linear in the log, also with secrets that repeat themselves", () => {
    const masker = new Masker([
      ...Array.from({ length: 100 }, (_, index) => `secret-number-${index}-${"z".repeat(index)}`),
      "a".repeat(4000),
    ]);
    masker.wouldMask("built");
    const time = (size: number) => {
      const log = Buffer.from("a".repeat(3999).concat("\n").repeat(size));
      const start = process.cpuUsage().user;
      masker.maskBytes(log);
      return process.cpuUsage().user - start;
    };
    time(250);
    // 4 times the log: a quadratic search of the repeated letter would need minutes.
    expect(time(2000)).toBeLessThan(20 * Math.max(time(500), 5000));
  });
});

describe("sealed values", () => {
  const key = Buffer.alloc(32, 7).toString("base64");

  test("open to exactly what was sealed, with another ciphertext each time", () => {
    const sealer = new ValueSealer(key, "run");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const sealed = sealer.seal(text);
        expect(sealer.open(sealed)).toBe(text);
        expect(sealer.seal(text)).not.toBe(sealed);
      }),
    );
    expect(sealer.open(sealer.seal("\ud800 lone"))).toBe("\ud800 lone");
  });

  test("do not open with another key, in another run, or changed", () => {
    const sealed = new ValueSealer(key, "run").seal("value");
    const changed = Buffer.from(sealed, "base64");
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    const attempts = [
      () => new ValueSealer(Buffer.alloc(32, 8).toString("base64"), "run").open(sealed),
      () => new ValueSealer(key, "other").open(sealed),
      () => new ValueSealer(key, "run").open(changed.toString("base64")),
      () => new ValueSealer(key, "run").open(""),
    ];
    for (const attempt of attempts) expect(attempt).toThrow(/does not open/);
    expect(() => new ValueSealer("short", "run")).toThrow(/32 bytes/);
  });

  test("are made of values that a mask would change, and of no others", () => {
    const sealer = new ValueSealer(key, "run");
    const masker = new Masker(["hush"]);
    expect(sealer.toStepValue("plain", masker)).toBe("plain");
    const value = sealer.toStepValue("a hush b", masker);
    expect(value).toEqual({ sealed: expect.any(String) });
    expect(sealer.fromStepValue(value)).toBe("a hush b");
    expect(sealer.fromStepValue("plain")).toBe("plain");
  });
});
