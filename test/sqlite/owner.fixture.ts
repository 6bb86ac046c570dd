// A process that owns a store: `owner.fixture.ts <path> hold|write|fill|spin|busy-but-well [turn limit]`. Prints a line for what a test waits for.

import { setTimeout } from "node:timers/promises";
import { openSqliteStore } from "../../src/store/sqlite/open-threaded.ts";
import { commit, started, startPart } from "../store-conformance/fixtures.ts";

const [path = "", mode = "hold", turnLimitMs = "10000"] = process.argv.slice(2);
const store = await openSqliteStore({ path, turnLimitMs: Number(turnLimitMs) });
switch (mode) {
  case "hold":
    console.log("open");
    await setTimeout(2 ** 30);
    break;
  case "write":
    for (let at = 0; ; at++) {
      await commit(store, startPart(`a${at}`, "e1"), startPart(`b${at}`, "e1"));
      console.log(String(at));
    }
  case "fill":
    try {
      for (let at = 0; ; at++) {
        await commit(store, startPart(`a${at}`, "e1", { input: "x".repeat(8000) }));
        console.log(String(at));
      }
    } catch (error) {
      console.log(JSON.stringify(error), error instanceof Error ? error.message : "");
      const again: unknown = await commit(store, startPart("after", "e1")).catch((refusal: unknown) => refusal);
      console.log("again", JSON.stringify(again));
      await store[Symbol.asyncDispose]();
    }
    break;
  case "spin": {
    const ref = await started(store, "poison", "e1");
    store.watch?.turnStarted(ref);
    for (;;);
  }
  case "busy-but-well":
    for (let at = 0; at < 200; at++) {
      store.watch?.turnStarted(at);
      const until = performance.now() + 5;
      while (performance.now() < until);
      store.watch?.turnEnded();
    }
    console.log("well");
    await store[Symbol.asyncDispose]();
    break;
}
