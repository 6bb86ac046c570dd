// What no client sends: the status is that of bad input, the server lives, and other hubs do not notice.

import { once } from "node:events";
import { createConnection } from "node:net";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { status as Status } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { JsonValue } from "../../model/payload.ts";
import { defineOrchestrator } from "../../runtime/define.ts";
import {
  ActivityResponseSchema,
  CreateInstanceRequestSchema,
  GetInstanceRequestSchema,
  OrchestratorResponseSchema,
  TaskHubSidecarService,
} from "../../wire/generated/durable_task_pb.ts";
import { encode, type Fixture, openFixture, statusOfCall, type TestClient } from "./server-fixture.ts";

const echo = defineOrchestrator("echo", async (_, input: JsonValue) => input);
const LARGEST = 1_000_000;
const names = Object.keys(TaskHubSidecarService.method) as (keyof typeof TaskHubSidecarService.method)[];
const unary = names.filter((name) => TaskHubSidecarService.method[name].methodKind === "unary");

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** A frame of HTTP/2. */
function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** The frames of a call and, at once, of its cancellation. Clients of grpc-js never send the second so early. */
function madeAndCancelled(stream: number, method: string, message: Uint8Array): Buffer {
  const [END_STREAM, END_HEADERS, CANCEL] = [1, 4, 8];
  const literal = (text: string): number[] => [text.length, ...Buffer.from(text)];
  const headers = {
    ":method": "POST",
    ":scheme": "http",
    ":path": `/TaskHubSidecarService/${method}`,
    ":authority": "localhost",
    "content-type": "application/grpc",
    te: "trailers",
  };
  const block = Uint8Array.from(Object.entries(headers).flatMap(([name, value]) => [0x10, ...literal(name), ...literal(value)]));
  const prefixed = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
  return Buffer.concat([
    frame(1, END_HEADERS, stream, block),
    frame(0, END_STREAM, stream, prefixed),
    frame(3, 0, stream, Uint8Array.from([0, 0, 0, CANCEL])),
  ]);
}

let server: Fixture;
let other: TestClient;
let client: TestClient;

beforeAll(async () => {
  server = await openFixture({ limits: { maxMessageBytes: 2 * LARGEST } }, { orchestrators: [echo] });
  client = server.client;
  other = server.connect({ hub: "other" });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});
/** After everything bad, somebody else's work goes on. */
beforeEach(() => async () => {
  const { instanceId } = await other.call("startInstance", { name: "echo", input: "1" });
  const done = await other.call("waitForInstanceCompletion", { instanceId, getInputsAndOutputs: true });
  expect(done.orchestrationState?.output).toBe("1");
  expect(server.logged.filter(({ level }) => level === "error")).toEqual([]);
});

describe("bytes that are no message", () => {
  const truncated = encode(CreateInstanceRequestSchema, { instanceId: "i", name: "echo", input: "x".repeat(100) }).subarray(0, 50);

  test.each(unary)("%s", async (name) => {
    // The first half of a field's number.
    expect(await statusOfCall(client.callBytes(name, new Uint8Array([0x80])))).toMatchObject({ code: Status.INVALID_ARGUMENT });
  });

  test("a message that ends in the middle", async () => {
    const refused = await statusOfCall(client.callBytes("startInstance", truncated));
    expect(refused).toMatchObject({ code: Status.INVALID_ARGUMENT, details: expect.stringContaining("CreateInstanceRequest") });
  });

  test("text that is no UTF-8 is never stored as it came", async () => {
    const bytes = new BinaryWriter()
      .tag(1, WireType.LengthDelimited)
      .bytes(new Uint8Array([0xff, 0xfe]))
      .finish();
    const answer = await statusOfCall(client.callBytes("raiseEvent", bytes));
    expect([Status.INVALID_ARGUMENT, Status.NOT_FOUND]).toContain(answer.code);
  });

  test("fields that nobody knows are left aside", async () => {
    const known = encode(GetInstanceRequestSchema, { instanceId: "nobody" });
    const unknown = new BinaryWriter()
      .raw(known)
      .tag(1_000, WireType.LengthDelimited)
      .string("?")
      .tag(77, WireType.Varint)
      .uint32(5)
      .finish();
    await client.callBytes("getInstance", unknown);
  });

  test("a stream's request that is none", async () => {
    const bad = client.stream("streamInstanceHistory", { instanceId: "" });
    expect(await bad.ended).not.toBe(Status.OK);
  });
});

describe("sizes", () => {
  test("a message over the limit", async () => {
    const refused = client.call("startInstance", { name: "echo", input: "x".repeat(3 * LARGEST) });
    expect(await statusOfCall(refused)).toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
  });

  test("ids and names of 1 MB", async () => {
    const long = "x".repeat(LARGEST);
    const refused = [
      client.call("startInstance", { instanceId: long, name: "echo" }),
      client.call("startInstance", { name: long }),
      client.call("startInstance", { name: "echo", version: long }),
      client.call("startInstance", { name: "echo", executionId: long }),
      client.call("raiseEvent", { instanceId: long, name: "e" }),
      client.call("signalEntity", { instanceId: `@a@${long}`, name: "o", requestId: "r" }),
    ];
    for (const call of refused) {
      const { code, details } = await statusOfCall(call);
      expect([Status.INVALID_ARGUMENT, Status.RESOURCE_EXHAUSTED, Status.NOT_FOUND]).toContain(code);
      expect(details.length).toBeLessThan(5_000);
    }
  });

  test("a hub whose name is too long, or a token of a megabyte in it", async () => {
    const hub = { metadata: { taskhub: "h".repeat(10_000) } };
    const { code } = await statusOfCall(client.call("getInstance", { instanceId: "i" }, hub));
    expect([Status.INVALID_ARGUMENT, Status.RESOURCE_EXHAUSTED]).toContain(code);
  });

  test("nesting of 100,000 levels", async () => {
    const failureDetails = 4;
    const innerFailure = 4;
    const lengths = [0];
    for (let length = 0; lengths.length < 100_000; lengths.push(length)) length += 1 + new BinaryWriter().uint32(length).finish().length;
    const writer = new BinaryWriter();
    const outermost = lengths.length - 1;
    for (let level = outermost; level >= 0; level--) {
      const field = level === outermost ? failureDetails : innerFailure;
      writer.tag(field, WireType.LengthDelimited).uint32(lengths[level] ?? 0);
    }
    const token = encode(ActivityResponseSchema, { completionToken: "t" });
    const refused = await statusOfCall(client.callBytes("completeActivityTask", Buffer.concat([token, writer.finish()])));
    expect(refused).toMatchObject({ code: Status.INVALID_ARGUMENT, details: expect.stringContaining("recursion") });
  });
});

describe("answers that nobody asked for", () => {
  test.each([
    ["no token", { completionToken: "" }],
    ["a made-up token", { completionToken: "o.1.2.3.4.x" }],
    ["a token of another sort", { completionToken: "a.1.1.1.1.x" }],
  ])("a turn with %s", async (_, response) => {
    const answer = await client.callBytes("completeOrchestratorTask", encode(OrchestratorResponseSchema, response)).then(
      () => Status.OK,
      ({ code }: { code: number }) => code,
    );
    // Stale ones are OK and without effect (E5).
    expect([Status.OK, Status.INVALID_ARGUMENT]).toContain(answer);
  });

  test("an unknown call", async () => {
    const raw = statusOfCall(client.callBytes("hello", encode(GetInstanceRequestSchema, { instanceId: "x" })));
    // An Empty has no fields, so that all are unknown.
    await expect(raw).rejects.toThrow("answered OK");
  });
});

describe("crowds and noise", () => {
  test("many tiny requests", async () => {
    for (let round = 0; round < 10; round++) {
      const calls = Array.from({ length: 1_000 }, (_, index) =>
        client.callBytes("getInstance", new Uint8Array([0x0a, 0x01, 97 + (index % 26)])),
      );
      await Promise.all(calls);
    }
  });

  test("bytes that are no HTTP/2, and connections that say nothing", async () => {
    const { port } = server.server.address;
    const silent = createConnection(port, "localhost");
    await once(silent, "connect");
    for (const noise of ["GET / HTTP/1.1\r\n\r\n", "\u0000".repeat(10_000), `${PREFACE}${"\u00ff".repeat(9)}`]) {
      const socket = createConnection(port, "localhost");
      socket.on("error", () => undefined);
      socket.resume().write(noise, "latin1");
      await once(socket, "close");
    }
    silent.destroy();
  });

  test.each([
    ["GetWorkItems", new Uint8Array()],
    ["WaitForInstanceCompletion", encode(GetInstanceRequestSchema, { instanceId: "late" })],
  ])("calls of %s that are made and cancelled in the same breath", async (method, message) => {
    await client.call("startInstance", { instanceId: "late", name: "nobody runs it", executionId: "e" }).catch(() => undefined);
    const before = server.server.stats();
    const socket = createConnection(server.server.address.port, "localhost");
    socket.resume();
    const settings = frame(4, 0, 0, new Uint8Array());
    const calls = Array.from({ length: 50 }, (_, index) => madeAndCancelled(2 * index + 1, method, message));
    socket.write(Buffer.concat([Buffer.from(PREFACE), settings, ...calls]));
    await expect.poll(() => server.server.stats().connections).toBe(before.connections + 1);
    // Whatever comes after them on the connection has been read when this is answered.
    socket.write(frame(6, 0, 0, new Uint8Array(8)));
    await once(socket, "data");
    await client.call("hello", {});
    await expect.poll(() => server.server.stats()).toMatchObject({ streams: before.streams, waiters: before.waiters });
    socket.destroy();
    await once(socket, "close");
  });

  test("streams that are opened and left, by the hundred", async () => {
    const open = server.server.stats().streams;
    for (let index = 0; index < 100; index++) {
      const stream = client.stream("getWorkItems", {});
      await stream.metadata;
      stream.cancel();
    }
    await expect.poll(() => server.server.stats().streams).toBe(open);
    await expect.poll(() => server.engine.workers.stats().streams).toBe(0);
  });
});
