import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Masker } from "./masker.ts";
import { COMMAND_LIMIT, LINE_LIMIT } from "./output-channel.ts";
import { ProblemMatchers } from "./problem-matchers.ts";
import { StepOutput, type StepOutputOptions } from "./step-output.ts";

function open(options: Partial<StepOutputOptions> = {}) {
  const written: Buffer[] = [];
  const masker = options.masker ?? new Masker();
  const output = new StepOutput({
    masker,
    matchers: new ProblemMatchers(),
    write: (lines) => written.push(Buffer.from(lines)),
    debug: false,
    allowUnsecureCommands: false,
    workspace: "/work",
    readMatcherFile: () => "{}",
    fileExists: () => true,
    ...options,
  });
  const log = () => Buffer.concat(written).toString();
  const run = (...lines: readonly string[]) => {
    const channel = output.channel();
    channel.push(Buffer.from(lines.map((line) => `${line}\n`).join("")));
    channel.end();
    return log();
  };
  return { output, masker, log, run };
}

describe("workflow commands", () => {
  test("take effect in both forms, with escapes, and are not shown", () => {
    const { output, run } = open();
    const log = run(
      "  ::set-output name=a,b::x%25%0Ay%2C",
      "text before ##[set-output name=b%3Bc;]d%5De%3Bf",
      "::SAVE-STATE NAME=s::1",
      "::set-output name=::none",
      "::unknown::text",
      "x ::set-output name=z::not at the line's start",
    );
    expect(Object.fromEntries(output.outputs)).toEqual({ a: "x%\ny%2C", "b;c": "d]e;f" });
    expect(Object.fromEntries(output.state)).toEqual({ s: "1" });
    expect(output.failures).toEqual([
      "Unable to process command '::set-output name=::none' successfully.",
      "Required field 'name' is missing in ##[set-output] command.",
    ]);
    expect(log).toContain("::unknown::text\nx ::set-output name=z::not at the line's start\n");
  });

  test("add-mask hides the value and each of its lines from the next byte on, in all steps' streams", () => {
    const seen: string[] = [];
    const { output, masker, run } = open({ onMask: (value) => seen.push(value) });
    const stderr = output.channel();
    stderr.push(Buffer.from("hush not yet\nhu"));
    const log = run("hush", "::add-mask::hush%0Asecond line", "hush, second line", "::add-mask::", "::add-mask::hush%0Asecond line");
    stderr.push(Buffer.from("sh\n"));
    expect(log).toBe("hush not yet\nhush\n***, ***\n##[warning]Can't add secret mask for empty string in ##[add-mask] command.\n");
    expect(seen).toEqual(["hush\nsecond line"]);
    expect(output.masks).toEqual(seen);
    expect(masker.wouldMask("hush")).toBe(true);
  });

  test("annotations carry their properties, masked, and contradicting places are left out", () => {
    const { output, run } = open({ masker: new Masker(["hush"]) });
    const log = run(
      "::error file=/work/src/a.ts,line=3,endLine=4,col=2,title=hush%2C%3A::it is hush",
      "::warning file=b.ts,line=3,col=2,endColumn=9::w",
      "::notice line=9,endLine=2,::n",
    );
    expect(output.annotations).toEqual([
      { level: "failure", message: "it is ***", title: "***,:", file: "src/a.ts", line: 3, endLine: 4 },
      { level: "warning", message: "w", file: "b.ts", line: 3, column: 2, endColumn: 9 },
      { level: "notice", message: "n" },
    ]);
    expect(log).toBe("##[error]it is ***\n##[warning]w\n##[notice]n\n");
  });

  test("of a level at most 10 annotations are kept", () => {
    const { output, run } = open();
    run(...Array.from({ length: 12 }, (_, index) => `::error::${index}`), "::warning::w");
    expect(output.annotations.length).toBe(11);
  });

  test("stop-commands stops them until its token, in this step alone (B19)", () => {
    const first = open();
    const second = open();
    first.run("::stop-commands::tok%65N", "::set-output name=a::1", "::token::", "::TOK%65N::", "::set-output name=b::2");
    second.run("::set-output name=a::1");
    expect([...first.output.outputs.keys()]).toEqual(["b"]);
    expect([...second.output.outputs.keys()]).toEqual(["a"]);
    first.run("::stop-commands::", "::stop-commands::set-output", "::set-output name=c::3");
    expect(first.output.outputs.get("c")).toBe("3");
    expect(first.output.failures.length).toBe(4);
  });

  test("group, endgroup, echo and debug", () => {
    expect(open().run("::group::My group", "::endgroup::", "::debug::hidden")).toBe("##[group]My group\n##[endgroup]\n");
    expect(open({ debug: true }).run("::debug::shown")).toBe("##[debug]shown\n");
    const { run } = open();
    const line = "::set-output name=a::b";
    expect(run("::echo::on", line, "::add-mask::b", "::echo::off", line)).toBe(`${line}\n::add-mask::***\n::echo::off\n`);
  });

  test("set-env and add-path are refused, or taken where the step allows them", () => {
    const refused = open();
    refused.run("::set-env name=A::1", "::add-path::/bin");
    expect(refused.output.failures[1]).toMatch(/^The `set-env` command is disabled\./);
    expect(refused.output.environment).toEqual([]);
    const { output, run } = open({ allowUnsecureCommands: true });
    run("::set-env name=A::1", "::set-env name=NODE_OPTIONS::x", "::add-path::/bin");
    expect(output.environment).toEqual([{ name: "A", value: "1" }]);
    expect(output.path).toEqual(["/bin"]);
  });
});

describe("problem matchers", () => {
  const eslint = JSON.stringify({
    problemMatcher: [
      {
        owner: "eslint",
        pattern: [
          { regexp: "^([^\\s].*)$", file: 1 },
          {
            regexp: "^\\s+(\\d+):(\\d+)\\s+(error|warning)\\s+(.*)\\s\\s+(.*)$",
            line: 1,
            column: 2,
            severity: 3,
            message: 4,
            code: 5,
            loop: true,
          },
        ],
      },
      { owner: "tsc", severity: "notice", pattern: [{ regexp: "^(.*) in (.*): (.*)$", file: 1, fromPath: 2, message: 3 }] },
    ],
  });

  test("with several patterns, a loop, colors, a default severity and fromPath", () => {
    const { output, run } = open({ readMatcherFile: () => eslint, fileExists: (path) => !path.endsWith("gone.ts") });
    const log = run(
      "::add-matcher::eslint.json",
      "\u001b[4msrc/a.ts\u001b[24m",
      "  3:5  \u001b[31merror\u001b[0m  Not good  no-good",
      "  4:6  warning  Bad  no-bad",
      "",
      "  5:7  error  Not in a file  x",
      "b.ts in sub/project.json: look",
      "gone.ts in p: lost",
      "::remove-matcher owner=tsc::",
      "b.ts in sub/project.json: not looked at",
    );
    expect(output.annotations).toEqual([
      { level: "failure", message: "Not good", title: "no-good", file: "src/a.ts", line: 3, column: 5 },
      { level: "warning", message: "Bad", title: "no-bad", file: "src/a.ts", line: 4, column: 6 },
      { level: "notice", message: "look", file: "sub/b.ts" },
      { level: "notice", message: "lost" },
    ]);
    expect(log).toContain("##[error]  3:5  error  Not good  no-good\n");
    expect(log.endsWith("b.ts in sub/project.json: not looked at\n")).toBe(true);
  });

  test("of one step hold at once for a step beside it (B4), but its running match is its own (B19)", () => {
    const matchers = new ProblemMatchers();
    const first = open({ matchers, readMatcherFile: () => eslint });
    const second = open({ matchers });
    first.run("::add-matcher::m.json", "src/a.ts");
    second.run("  3:5  error  Not good  no-good", "src/b.ts", "  3:5  error  Not good  no-good");
    expect(second.output.annotations).toEqual([expect.objectContaining({ file: "src/b.ts" })]);
  });

  test.each([
    ["not json", "{", /not valid JSON/],
    ["no owner", `{"problemMatcher":[{"pattern":[]}]}`, /Owner must not be empty/],
    ["no pattern", `{"problemMatcher":[{"owner":"o","pattern":[]}]}`, /does not contain any patterns/],
    ["bad severity", `{"problemMatcher":[{"owner":"o","severity":"x"}]}`, /unexpected default severity 'x'/],
    ["no message", `{"problemMatcher":[{"owner":"o","pattern":[{"regexp":"."}]}]}`, /At least one pattern must set 'message'/],
    ["bad expression", `{"problemMatcher":[{"owner":"o","pattern":[{"regexp":"("}]}]}`, /not a regular expression/],
    ["no such group", `{"problemMatcher":[{"owner":"o","pattern":[{"regexp":"(.)","message":2}]}]}`, /out of range/],
    ["loop first", `{"problemMatcher":[{"owner":"o","pattern":[{"regexp":"(.)","message":1,"loop":true}]}]}`, /may set 'loop'/],
    ["twice", `{"problemMatcher":[{"owner":"o","pattern":[{"regexp":"(.)","message":1},{"regexp":"(.)","message":1}]}]}`, /set twice/],
    [
      "same owner",
      `{"problemMatcher":[{"owner":"o","pattern":[{"regexp":"(.)","message":1}]},{"owner":"O","pattern":[{"regexp":"(.)","message":1}]}]}`,
      /Duplicate/,
    ],
  ])("a bad file fails the step and says why: %s", (_, text, reason) => {
    const { output, run } = open({ readMatcherFile: () => text });
    run("::add-matcher::bad.json");
    expect(output.failures[1]).toMatch(reason);
    expect(output.failures[1]).toContain("'bad.json'");
  });
});

describe("lines", () => {
  test("how the output is cut changes nothing", () => {
    const part = fc.constantFrom(
      "a",
      "hush",
      "\n",
      "\r",
      "\r\n",
      "::add-mask::b\n",
      "::set-output name=x::hush\n",
      "##[group]g\n",
      "é",
      "b",
      "::",
    );
    const text = fc.array(part, { maxLength: 30 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 10 }), (parts, cuts) => {
        const bytes = Buffer.from(parts.join(""));
        const results = [[], cuts, [...bytes.keys()]].map((places) => {
          const { output, log } = open({ masker: new Masker(["hush"]) });
          const channel = output.channel();
          const at = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
          for (let index = 1; index < at.length; index++) channel.push(bytes.subarray(at[index - 1], at[index]));
          channel.end();
          return { log: log(), outputs: [...output.outputs] };
        });
        expect(results[1]).toEqual(results[0]);
        expect(results[2]).toEqual(results[0]);
      }),
      { numRuns: 300 },
    );
  });

  test("CR, LF and CRLF each end one, as the runner reads them", () => {
    expect(open().run("10%\r20%\r\n\n\nend\r")).toBe("10%\n20%\n\n\nend\n");
  });

  test("over 1 MiB is split, between characters, with a secret across the cut still hidden", () => {
    const { run } = open({ masker: new Masker(["hush-hush"]) });
    const log = run(`${"x".repeat(LINE_LIMIT - 4)}hush-hush${"é".repeat(LINE_LIMIT)}`);
    expect(log).not.toContain("\ufffd");
    expect(log.replaceAll("\n", "")).toBe(`${"x".repeat(LINE_LIMIT - 4)}***${"é".repeat(LINE_LIMIT)}`);
    expect(Math.max(...log.split("\n").map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(LINE_LIMIT + 16);
  });

  test("a long command is a command; one that is too long is dropped whole, for it may be a secret", () => {
    const { output, run } = open();
    const value = "v".repeat(2 * LINE_LIMIT);
    expect(run(`::set-output name=a::${value}`)).toBe("");
    expect(output.outputs.get("a")).toBe(value);
    const log = run(`::add-mask::${"w".repeat(COMMAND_LIMIT)}`, "next");
    expect(log).not.toContain("www");
    expect(log.endsWith("next\n")).toBe(true);
    expect(output.failures).toEqual(["A workflow command on the step's output is too long and was dropped."]);
  });
});
