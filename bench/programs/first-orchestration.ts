// A process that opens an engine, runs one orchestration of one activity, and leaves: PATH. Bundled before it is measured.

import { openOn, runChains } from "../signalbox/programs.ts";

const [path = ""] = process.argv.slice(2);
const engine = await openOn(path);
await runChains(engine, 1, 1);
await engine.close();
