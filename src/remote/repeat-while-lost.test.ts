import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../loops/engine-fixture.ts";
import type { RemoteEnvironment } from "./remote-environment.ts";
import { repeatWhileLost } from "./repeat-while-lost.ts";
import { RpcError, signalboxError } from "./rpc-error.ts";

const lost = new RpcError("Hello", status.UNAVAILABLE, "connection refused");

function setting() {
  const clock = new VirtualClock();
  const environment: RemoteEnvironment = {
    clock,
    ids: { uuid: () => "id" },
    hop: (callback) => void setImmediate(callback),
    random: () => 0,
    defect: () => {},
  };
  /** Until the promise has settled, time passes whenever somebody waits for it. */
  const pass = async <Result>(result: Promise<Result>): Promise<Result> => {
    const passing = setInterval(() => {
      if (clock.armed > 0) clock.move(25);
    }, 0);
    return result.finally(() => clearInterval(passing));
  };
  return { clock, environment, pass };
}

describe("calls while the connection is lost", () => {
  test("are repeated until there is an answer, and told how often they were made", async () => {
    const { environment, pass } = setting();
    const seen: number[] = [];
    const answer = await pass(
      repeatWhileLost(environment, { awayMs: 10_000 }, async (previous) => {
        seen.push(previous);
        if (previous < 4) throw lost;
        return "here";
      }),
    );
    expect([answer, seen]).toEqual(["here", [0, 1, 2, 3, 4]]);
  });

  test("end when the server was away for too long, with its last error", async () => {
    const { clock, environment, pass } = setting();
    const from = clock.monotonic();
    await expect(pass(repeatWhileLost(environment, { awayMs: 2_000 }, () => Promise.reject(lost)))).rejects.toBe(lost);
    expect(clock.monotonic() - from).toBeLessThanOrEqual(2_000);
  });

  test("a wait that lasted begins to count anew", async () => {
    const { clock, environment, pass } = setting();
    let calls = 0;
    const waiting = repeatWhileLost(environment, { awayMs: 1_000 }, async () => {
      calls += 1;
      clock.move(1_500);
      if (calls < 20) throw lost;
      return "at last";
    });
    expect(await pass(waiting)).toBe("at last");
  });

  test("other errors, and the signal, end them at once", async () => {
    const { environment, pass } = setting();
    const refused = new RpcError("Hello", status.NOT_FOUND, "no such instance");
    await expect(pass(repeatWhileLost(environment, { awayMs: 1_000 }, () => Promise.reject(refused)))).rejects.toBe(refused);
    const stop = new AbortController();
    const stopped = repeatWhileLost(environment, { awayMs: 100_000, signal: stop.signal }, () => Promise.reject(lost));
    stop.abort(new Error("enough"));
    await expect(stopped).rejects.toThrow("enough");
  });

  test.each([
    [status.NOT_FOUND, "", "NOT_FOUND", "not found"],
    [status.RESOURCE_EXHAUSTED, "too much", "LIMIT_EXCEEDED", "too much"],
    [status.PERMISSION_DENIED, "no", "UNAUTHENTICATED", "no"],
    [status.UNIMPLEMENTED, "what?", "UNSUPPORTED", "what?"],
    [status.CANCELLED, "", "UNAVAILABLE", "The server at there gave no answer: CANCELLED. Is it running there?"],
    [
      status.INTERNAL,
      "Received RST_STREAM with code 2",
      "UNAVAILABLE",
      "The server at there gave no answer: Received RST_STREAM with code 2. Is it running there?",
    ],
    [status.INTERNAL, "a bug", "INTERNAL", "a bug"],
  ])("status %i %j reads as %s", (code, details, wanted, message) => {
    expect(signalboxError(new RpcError("Get", code, details), "there")).toMatchObject({ code: wanted, message });
  });
});
