// `npm test`: installs what is missing, then runs all tests. Arguments are passed on: `npm test -- src/engine`.

import { join } from "node:path";
import { install, root, run } from "./setup.mjs";

install();
const node = join(root, "node_modules", ".bin", "node");
process.exit(run(node, [join(root, "node_modules", "vitest", "vitest.mjs"), "run", ...process.argv.slice(2)]));
