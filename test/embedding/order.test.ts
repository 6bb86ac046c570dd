import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const program = fileURLToPath(new URL("../../examples/embedding/order.ts", import.meta.url));

test("the example of the documentation waits, is killed, and goes on when it is started again", async () => {
  const directory = mkdtempSync(join(tmpdir(), "signalbox-order-"));
  try {
    const path = join(directory, "orders.db");
    const first = spawn(process.execPath, [program, path], { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise<void>((resolve, reject) => {
      first.stdout.on("data", (chunk) => String(chunk).includes("reserving A1 (attempt 1)") && resolve());
      first.once("exit", () => reject(new Error("it ended before it had reserved")));
    });
    first.kill("SIGKILL");
    await new Promise((resolve) => first.once("close", resolve));
    const output = execFileSync(process.execPath, [program, path, "paid"], { encoding: "utf8" });
    expect(output).toMatch(/shipping A1 from shelf-A1, once only by key \S+\nended: \{"state":"shipped","tracking":"T-A1"\}\n$/);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
