// Makes the checkout ready to run: installs what the lock file names and is not there. No dependencies, Node 20 or newer:
// this is what runs before anything is installed.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { generate } from "./generate.mjs";

export const root = fileURLToPath(new URL("..", import.meta.url));
const bin = join(root, "node_modules", ".bin");
const stamp = join(root, "node_modules", ".signalbox-installed");

/** Whatever is missing of the installation and of the generated sources. */
export function install() {
  installPackages();
  generate();
}

/** `npm ci`, unless node_modules already is what package.json and package-lock.json ask for. */
function installPackages() {
  if (process.platform === "win32") fail("Signalbox runs on Linux and macOS. On Windows use WSL.");
  const wanted = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .update(readFileSync(join(root, "package.json")))
    .update(`${process.platform}-${process.arch}`)
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  process.stderr.write("Installing dependencies (npm ci)...\n");
  // The engine warning would be about the Node that starts this script, not about the one the project runs on.
  const done = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (done.error) fail(`npm could not be started: ${done.error.message}. Install npm and run the command again.`);
  if (done.status !== 0) fail(`npm ci ended with ${done.signal ?? `exit code ${done.status}`}; its message is above.`);
  writeFileSync(stamp, wanted);
}

/** Runs a program of the project with its own Node first on the PATH, and ends as it ended. */
export function runAndExit(program, args, environment = {}) {
  process.exit(run(program, args, environment));
}

export function run(program, args, environment = {}) {
  const env = { ...process.env, ...environment, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` };
  // The terminal signals the whole foreground group: the child decides what to do, this process only waits for it.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
  const done = spawnSync(program, args, { cwd: root, stdio: "inherit", env });
  if (done.error) fail(`${program} could not be started: ${done.error.message}`);
  return done.status ?? 128;
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) install();
