import { describe, expect, test } from "vitest";
import { fakeTerminal } from "../fake-terminal.ts";
import { moment, statusValue, timeOf } from "../instances/instance-options.ts";
import { byteSize } from "../options/parsers.ts";
import { addressText, listenAddress, listenAddressOrOff } from "./addresses.ts";
import { serverLimits } from "./server-limits.ts";
import { storePlace, storeText } from "./store-place.ts";

describe("addresses", () => {
  test.each([
    ["127.0.0.1:4001", { host: "127.0.0.1", port: 4001 }],
    ["[::1]:0", { host: "::1", port: 0 }],
    ["localhost:65535", { host: "localhost", port: 65_535 }],
  ])("%s", (text, address) => {
    expect(listenAddress(text)).toEqual(address);
    expect(addressText(address)).toBe(text);
  });

  test.each(["", "4001", ":4001", "a:b", "::1:4001", "[::1]", "a:65536", "a:-1", "a:1:2", "http://a:1"])("%j is none", (text) => {
    expect(() => listenAddress(text)).toThrow("HOST:PORT");
  });

  test("HTTP may be off", () => {
    expect(listenAddressOrOff("off")).toBe("off");
  });
});

describe("sizes and times", () => {
  test.each([
    ["1", 1],
    ["512k", 524_288],
    ["16M", 16_777_216],
    ["1gb", 1_073_741_824],
  ])("%s", (text, bytes) => {
    expect(byteSize(text)).toBe(bytes);
  });

  test.each(["", "0", "0k", "-1", "1.5m", "1t", "m", "1e3"])("%j is no size", (text) => {
    expect(() => byteSize(text)).toThrow("number of bytes");
  });

  test("a moment is a time, or so long ago", () => {
    expect(timeOf(moment("90s"), 100_000).getTime()).toBe(10_000);
    expect(timeOf(moment("2026-11-21T10:00Z"), 0).toISOString()).toBe("2026-11-21T10:00:00.000Z");
    for (const text of ["", "noon", "2026-13-45", "12"]) expect(() => moment(text)).toThrow("time before now");
  });

  test("statuses are gathered, however they are written", () => {
    expect(statusValue("FAILED", statusValue("running"))).toEqual(["Running", "Failed"]);
  });
});

describe("stores", () => {
  const context = {
    terminal: fakeTerminal(),
    environment: { XDG_STATE_HOME: "/state" },
    workingDirectory: "/work",
    version: "1",
    ownFolders: [],
    now: () => 0,
    openSessions: () => Promise.reject(new Error("none here")),
    leave: () => undefined,
  };

  test("are a file of this user's, a file, or a database told without user and password", () => {
    expect(storePlace(undefined, context)).toEqual({ kind: "file", path: "/state/signalbox/serve/signalbox.db" });
    expect(storePlace("a.db", context)).toEqual({ kind: "file", path: "/work/a.db" });
    const url = "postgres://ada:pass%40word@db.internal:5433/shop?sslmode=require";
    const place = storePlace(url, context);
    expect(place).toMatchObject({ kind: "postgres", url });
    expect(storeText(place)).toBe("postgres://db.internal:5433/shop");
  });

  test.each(["mysql://a/b", "postgres://a:b@c:port/d"])("%s is none, and is not repeated", (text) => {
    expect(() => storePlace(text, context)).toThrow(/^(?!.*a:b)--store takes/);
  });
});

test("a longer payload may come in a longer message", () => {
  expect(serverLimits({ maxPayload: 1024 ** 3 }).grpc?.maxMessageBytes).toBeGreaterThan(2 * 1024 ** 3);
  expect(serverLimits({ maxPayload: 1 }).grpc?.maxMessageBytes).toBe(64 * 1024 * 1024);
  expect(serverLimits({})).toEqual({ engine: {}, workers: {}, grpc: {} });
});
