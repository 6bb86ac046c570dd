import { expect, test } from "vitest";
import { SignalboxError } from "../../model/errors.ts";
import { openLog } from "./log.ts";

function logged(isPretty: boolean): { readonly log: ReturnType<typeof openLog>; readonly lines: string[] } {
  const lines: string[] = [];
  return { log: openLog({ level: "info", isPretty, write: (line) => lines.push(line) }), lines };
}

test("a line is JSON; of an error only what cannot hold a payload is told", () => {
  const { log, lines } = logged(false);
  const error = Object.assign(new SignalboxError("STORE_IO", "broken", { cause: new Error("disk") }), { input: "a payload" });
  log.error({ err: error, hub: "h" }, "it failed");
  log.debug({}, "not at this level");
  expect(lines).toHaveLength(1);
  const line = JSON.parse(lines[0] ?? "") as object;
  expect(line).toMatchObject({ level: "error", hub: "h", msg: "it failed", err: { code: "STORE_IO", message: "broken", cause: "disk" } });
  expect(lines[0]).not.toContain("a payload");
});

test("for people a line is a line, whatever names are in it", () => {
  const { log, lines } = logged(true);
  log.warn({ instanceId: "a\u001b[2J\nb", count: 2 }, "an instance stands still");
  log.error({ err: new Error("why") }, "it failed");
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}an instance stands still {2}instanceId=a \[2J b count=2\n$/);
  expect(lines[1]).toMatch(/error it failed: why\n$/);
});
