import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ChannelCredentials, status as Status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { isLoopback } from "./credentials.ts";
import { openFixture, statusOfCall, TestClient } from "./server-fixture.ts";

const pem = (name: string): Buffer => readFileSync(fileURLToPath(new URL(`../../../test/fixtures/tls/${name}.pem`, import.meta.url)));
const tls = { cert: pem("server"), key: pem("server-key") };

describe("an address that others reach", () => {
  test.each(["0.0.0.0", "::", "192.168.1.1", "example.org", "127.evil.org"])("%s without a token or TLS is refused", async (host) => {
    await expect(openFixture({ listen: { host, port: 0 } })).rejects.toThrow(/Give a token or TLS/);
  });

  test("with a token or TLS it is served", async () => {
    await using withToken = await openFixture({ listen: { host: "0.0.0.0", port: 0 }, token: "secret" });
    await using withTls = await openFixture({ listen: { host: "0.0.0.0", port: 0 }, tls });
    expect([withToken.server.address.port, withTls.server.address.port]).not.toContain(0);
  });

  test("what is loopback", () => {
    expect(["127.0.0.1", "127.9.9.9", "::1", "localhost"].filter(isLoopback)).toHaveLength(4);
    expect(["127.0.0.1.example.org", "0.0.0.0", "::", ""].filter(isLoopback)).toEqual([]);
  });

  test("one that is taken is said to be", async () => {
    await using server = await openFixture();
    const again = openFixture({ listen: { host: "localhost", port: server.server.address.port } });
    await expect(again).rejects.toThrow(/Cannot listen on .*EADDRINUSE/);
  });
});

describe("a token", () => {
  test("is wanted of every call, and only the right one will do", async () => {
    await using server = await openFixture({ token: "secret" });
    const { client } = server;
    const wrong = [
      undefined,
      "",
      "secret",
      "Bearer",
      "Bearer ",
      "Bearer secret2",
      "Bearer SECRET",
      "Basic secret",
      `Bearer ${"x".repeat(8_000)}`,
    ];
    for (const authorization of wrong) {
      const metadata = authorization === undefined ? {} : { authorization };
      expect(await statusOfCall(client.call("hello", {}, { metadata }))).toMatchObject({ code: Status.UNAUTHENTICATED });
      expect(await client.stream("getWorkItems", {}, { metadata }).ended).toBe(Status.UNAUTHENTICATED);
    }
    const metadata = { authorization: "Bearer secret" };
    await client.call("hello", {}, { metadata });
    await using stream = client.stream("getWorkItems", {}, { metadata });
    await stream.metadata;
  });

  test("an empty one is no token", async () => {
    await expect(openFixture({ token: "" })).rejects.toThrow(/token is empty/);
  });

  test("without it a large message is turned away before it is read", async () => {
    await using server = await openFixture({ token: "secret", limits: { maxMessageBytes: 1_000 } });
    const refused = statusOfCall(server.client.call("startInstance", { name: "o", input: "x".repeat(10_000) }));
    expect(await refused).toMatchObject({ code: Status.UNAUTHENTICATED });
  });
});

describe("TLS", () => {
  const trusting = ChannelCredentials.createSsl(pem("ca"));
  const vouched = ChannelCredentials.createSsl(pem("ca"), pem("client-key"), pem("client"));

  test("clients that trust the authority are served; plain text and strangers' certificates are not", async () => {
    await using server = await openFixture({ tls });
    const { port } = server.server.address;
    const client = new TestClient(port, { credentials: trusting });
    await client.call("hello", {});
    await using stream = client.stream("getWorkItems", {});
    await stream.metadata;
    expect(server.server.stats()).toMatchObject({ connections: 1, streams: 1 });
    expect(await statusOfCall(server.client.call("hello", {}, { deadlineMs: 2_000 }))).toMatchObject({ code: expect.any(Number) });
    client.close();
  });

  test("a worker's connection is known for what it is behind TLS too", async () => {
    await using server = await openFixture({ tls });
    const client = new TestClient(server.server.address.port, { credentials: trusting });
    const stream = client.stream("getWorkItems", {});
    await client.call("startInstance", { instanceId: "i", name: "o" });
    const { completionToken } = await stream.next();
    stream.cancel();
    await expect.poll(() => server.server.stats().streams).toBe(0);
    expect(server.engine.workers.stats().inFlight.orchestration).toBe(1);
    client.close();
    await expect.poll(() => server.server.stats().connections).toBe(0);
    await expect.poll(() => server.engine.workers.stats().inFlight.orchestration).toBe(0);
    expect(completionToken).not.toBe("");
  });

  test("with an authority of clients only those that it vouches for are served", async () => {
    await using server = await openFixture({ tls: { ...tls, clientCa: pem("ca") } });
    const { port } = server.server.address;
    const [known, stranger] = [vouched, trusting].map((credentials) => new TestClient(port, { credentials }));
    await known?.call("hello", {});
    expect(await statusOfCall(stranger?.call("hello", {}, { deadlineMs: 1_000 }) ?? Promise.resolve())).toMatchObject({
      code: expect.any(Number),
    });
    known?.close();
    stranger?.close();
  });

  test("a certificate that is none is refused at the start", async () => {
    await expect(openFixture({ tls: { cert: "nonsense", key: "nonsense" } })).rejects.toThrow(/Give PEM/);
  });
});
