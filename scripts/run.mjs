// Runs one of the project's own programs with the project's Node, installing first what is missing:
// `node scripts/run.mjs FILE ARGS...`, or `--bin NAME ARGS...` for a program of a dependency.

import { join } from "node:path";
import { install, root, run } from "./setup.mjs";

install();
const args = process.argv.slice(2);
const bin = join(root, "node_modules", ".bin");
process.exit(args[0] === "--bin" ? run(join(bin, args[1]), args.slice(2)) : run(join(bin, "node"), args));
