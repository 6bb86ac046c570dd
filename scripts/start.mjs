// `npm start`: installs and builds what is missing, then runs the main job on the examples. `npm start -- run FILE ...`
// passes its arguments on to the command.

import { spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { install, root, run } from "./setup.mjs";

install();
const node = join(root, "node_modules", ".bin", "node");
const command = join(root, "dist", "signalbox.js");
if (!existsSync(command) || newest(join(root, "src")) > statSync(command).mtimeMs) {
  const built = run(node, [join(root, "scripts", "build.ts")]);
  if (built !== 0) process.exit(built);
}

const args = process.argv.slice(2);
const isTrial = args.length === 0;
let exitCode = await signalbox(isTrial ? ["run", join(root, "examples", "main.yml")] : args);
if (isTrial) {
  // A terminal has seen the tree grow.
  if (!process.stdout.isTTY && exitCode === 0) exitCode = await signalbox(["show", "latest"]);
  console.log("\nHere `npm start --` stands for `signalbox`: npm start -- show latest");
}
process.exitCode = exitCode;

/** Resolves with its exit code. */
function signalbox(words) {
  // Ctrl-C reaches the command from the terminal itself: passing it on would make it the second one.
  const child = spawn(node, [command, ...words], { cwd: isTrial ? root : (process.env.INIT_CWD ?? root), stdio: "inherit" });
  const pass = (signal) => child.kill(signal);
  const ignore = () => {};
  process.on("SIGINT", ignore).on("SIGTERM", pass).on("SIGHUP", pass);
  return new Promise((resolve) => {
    child.on("exit", (code, signal) => {
      process.off("SIGINT", ignore).off("SIGTERM", pass).off("SIGHUP", pass);
      resolve(code ?? (signal === "SIGINT" ? 130 : 1));
    });
  });
}

function newest(directory) {
  let latest = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) latest = Math.max(latest, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs);
  }
  return latest;
}
