import { expect, test } from "vitest";
import { memoryBackend } from "./backends.ts";
import { simulate } from "./simulate.ts";

test("x", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const calm = await simulate({ seed, backend: await memoryBackend(), isCalm: true });
    console.log(seed, calm.violation?.message, calm.happenings);
  }
});
