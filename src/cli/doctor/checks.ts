// What a run needs of the machine, each looked at as a run would use it.

import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { access, mkdir, mkdtemp, rm, stat, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { becomeSubreaper } from "../../host/process/subreaper.ts";
import { systemReason } from "../system-reason.ts";
import type { Check, Finding, Patient } from "./finding.ts";

const SCARCE_BYTES = 500 * 1024 * 1024;
const run = promisify(execFile);

export const CHECKS: readonly Check[] = [
  ({ version }) => ok("signalbox", version),
  node,
  git,
  (patient) => shell(patient, "bash", "fail", "Install bash: it is the default shell of steps."),
  (patient) => shell(patient, "sh", "fail", "Install a POSIX shell as sh."),
  (patient) => shell(patient, "python3", "warn", "Steps with 'shell: python' cannot run. Install Python 3 if you need them."),
  (patient) => shell(patient, "pwsh", "warn", "Steps with 'shell: pwsh' cannot run. Install PowerShell if you need them."),
  stateDirectory,
  freeSpace,
  repository,
  sqlite,
  escapees,
  memoryStorage,
];

function node(): Finding {
  const major = Number(process.versions.node.split(".")[0]);
  const found = `${process.versions.node} (${process.execPath})`;
  return major >= 24 ? ok("Node", found) : { name: "Node", level: "fail", found, advice: "Install Node 24 or newer: https://nodejs.org." };
}

async function git(patient: Patient): Promise<Finding> {
  try {
    const { stdout } = await run("git", ["--version"], { env: patient.environment });
    return ok("git", stdout.trim());
  } catch {
    return { name: "git", level: "fail", found: "not found", advice: "Install git: checkout is made with it." };
  }
}

async function shell(patient: Patient, name: string, missing: "warn" | "fail", advice: string): Promise<Finding> {
  for (const folder of (patient.environment["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, name);
    if (folder !== "" && (await isExecutable(path))) return ok(name, path);
  }
  return { name, level: missing, found: "not found in PATH", advice };
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

async function stateDirectory({ stateDirectory: directory }: Patient): Promise<Finding> {
  const name = "state directory";
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const probe = join(directory, `.doctor-${randomUUID()}`);
    await writeFile(probe, "");
    await rm(probe);
    return ok(name, directory);
  } catch (error) {
    return {
      name,
      level: "fail",
      found: `${directory}: ${systemReason(error)}`,
      advice: "Give a folder that you can write to: --state DIR.",
    };
  }
}

async function freeSpace({ stateDirectory: directory }: Patient): Promise<Finding> {
  const name = "free space";
  try {
    const { bavail, bsize } = await statfs(await nearestFolder(directory));
    const free = bavail * bsize;
    const found = `${(free / 1024 ** 3).toFixed(1)} GiB`;
    if (free >= SCARCE_BYTES) return ok(name, found);
    return {
      name,
      level: "warn",
      found,
      advice: "Make room, remove old runs with signalbox prune --keep 5, or give --state DIR on a larger disk.",
    };
  } catch (error) {
    return { name, level: "warn", found: systemReason(error) };
  }
}

async function nearestFolder(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined || dirname(path) === path ? path : nearestFolder(dirname(path));
}

async function repository({ repository: folder }: Patient): Promise<Finding> {
  const isGit = (await stat(join(folder, ".git")).catch(() => undefined)) !== undefined;
  if (isGit) return ok("repository", folder);
  return {
    name: "repository",
    level: "warn",
    found: `${folder} is not a git repository`,
    advice: "Checkout copies the folder as it is; git facts are empty.",
  };
}

/** Opened, written at FULL and read back, as a run's store is. */
async function sqlite({ stateDirectory: directory }: Patient): Promise<Finding> {
  const name = "SQLite";
  let folder: string | undefined;
  try {
    folder = await mkdtemp(join(await nearestFolder(directory), ".doctor-"));
    const database = new DatabaseSync(join(folder, "check.db"));
    try {
      database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (1)");
      const check = database.prepare("PRAGMA quick_check").get();
      const version = database.prepare("SELECT sqlite_version() AS version").get();
      if (check?.["quick_check"] !== "ok") throw new Error("what was written does not read back");
      return ok(name, `${String(version?.["version"])}, writes and reads back with synchronous=FULL`);
    } finally {
      database.close();
    }
  } catch (error) {
    return {
      name,
      level: "fail",
      found: systemReason(error),
      advice: "The disk under the state directory must carry SQLite in WAL mode: give --state DIR on a local disk.",
    };
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** Whether processes that leave their group are still found: through /proc, and a subreaper by a native call. */
async function escapees(): Promise<Finding> {
  const name = "escaped processes";
  if (process.platform !== "linux") {
    return {
      name,
      level: "warn",
      found: "found by group and marker only",
      advice: "A process that leaves its group with an emptied environment can outlive its step.",
    };
  }
  const hasProc = await isReadable("/proc/self/stat");
  if (!hasProc)
    return {
      name,
      level: "fail",
      found: "/proc is not readable",
      advice: "Mount /proc: processes that a step leaves behind are found there.",
    };
  if (becomeSubreaper()) return ok(name, "adopted by this process, found through /proc");
  return {
    name,
    level: "warn",
    found: "no native library",
    advice: "Install the optional package koffi, so that what escapes by a double fork is found too.",
  };
}

async function isReadable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}

async function memoryStorage({ environment }: Patient): Promise<Finding> {
  const name = "memory storage";
  const TMPFS_MAGIC = 0x01021994;
  for (const folder of [environment["XDG_RUNTIME_DIR"], "/dev/shm"]) {
    if (folder === undefined || folder === "") continue;
    const type = await statfs(folder).then(
      (facts) => facts.type,
      () => undefined,
    );
    if (type === TMPFS_MAGIC) return ok(name, folder);
  }
  return {
    name,
    level: "warn",
    found: "none",
    advice: `Scripts and command files of steps lie under ${tmpdir()}; they are removed when the step ends.`,
  };
}

function ok(name: string, found: string): Finding {
  return { name, level: "ok", found };
}
