import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { LockStore } from "../../src/store/locks/lock-store.ts";
import { ownIdentity } from "../../src/store/locks/process-identity.ts";

const PARTY = fileURLToPath(new URL("fixtures/lock-party.ts", import.meta.url));
const PARTIES = 3;
const KILLS = 40;

test("a group is never held twice and never stuck, although its holders are killed at any moment", async () => {
  const directory = mkdtempSync(join(tmpdir(), "lock-kills-"));
  const file = join(directory, "locks.db");
  const [inside, complaints] = [join(directory, "inside"), join(directory, "complaints")];
  const living = new Set<ChildProcess>();
  let entered = 0;
  let named = 0;
  const start = async (): Promise<ChildProcess> => {
    named += 1;
    const child = spawn(process.execPath, [PARTY, file, `p${named}`, inside, complaints], { stdio: ["ignore", "pipe", "inherit"] });
    living.add(child);
    child.once("exit", () => living.delete(child));
    child.stdout?.on("data", (bytes: Buffer) => {
      entered += bytes.filter((byte) => byte === 0x2e).length;
      progress?.();
    });
    await once(child.stdout as NodeJS.ReadableStream, "data");
    return child;
  };
  let progress: (() => void) | undefined;
  const enteredMore = (more: number): Promise<void> => {
    const goal = entered + more;
    return new Promise((resolve) => {
      progress = () => {
        if (entered >= goal) resolve();
      };
    });
  };
  try {
    new LockStore(file)[Symbol.dispose]();
    const children = await Promise.all(Array.from({ length: PARTIES }, start));
    for (let kill = 0; kill < KILLS; kill += 1) {
      await enteredMore(1 + (kill % 5));
      const victim = children[kill % PARTIES];
      victim?.kill("SIGKILL");
      children[kill % PARTIES] = await start();
    }
    await enteredMore(10);
    const ends = [...living].map((child) => once(child, "exit"));
    for (const child of living) child.kill("SIGKILL");
    await Promise.all(ends);
    expect(existsSync(complaints) ? readFileSync(complaints, "utf8") : "").toBe("");
    using locks = new LockStore(file);
    const mine = { group: "g", run: "last", requester: "run", process: ownIdentity(), socket: "/none" };
    expect(locks.request({ ...mine, queue: "single", cancelInProgress: false }).standing.kind).toBe("running");
  } finally {
    for (const child of living) child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  }
});
