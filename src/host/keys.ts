// Where the keys of runs lie: outside every run's directory, in the user's own one, so that a copied or published state
// directory opens nothing. With SIGNALBOX_KEY no key is stored: each run's is derived from it.

import { hkdfSync, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { SignalboxError } from "../model/errors.ts";

const KEY_BYTES = 32;

export interface RunKeys {
  /** Makes the run's key, or returns the one that it has. 32 bytes in base64. */
  create(runId: string): string;
  /** Undefined: there is none (any more). */
  read(runId: string): string | undefined;
  delete(runId: string): void;
}

export function openRunKeys(environment: { readonly [name: string]: string | undefined }): RunKeys {
  const master = environment["SIGNALBOX_KEY"];
  return master ? derivedKeys(master) : storedKeys(keyDirectory(environment));
}

/** $XDG_DATA_HOME/signalbox/keys, by default under ~/.local/share. */
function keyDirectory(environment: { readonly [name: string]: string | undefined }): string {
  const data = environment["XDG_DATA_HOME"];
  const home = environment["HOME"] || homedir();
  return join(data?.startsWith("/") ? data : join(home, ".local", "share"), "signalbox", "keys");
}

function derivedKeys(master: string): RunKeys {
  if (master.length < 16) {
    throw new SignalboxError(
      "INVALID_ARGUMENT",
      "SIGNALBOX_KEY is too short: give at least 16 characters, such as `openssl rand -base64 32` prints.",
    );
  }
  const derive = (runId: string) => Buffer.from(hkdfSync("sha256", master, "", `signalbox run key ${runId}`, KEY_BYTES)).toString("base64");
  return { create: derive, read: derive, delete: () => undefined };
}

function storedKeys(directory: string): RunKeys {
  const fileOf = (runId: string) => {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(runId)) throw new SignalboxError("INVALID_ARGUMENT", `'${runId}' is not the id of a run.`);
    return join(directory, runId);
  };
  const read = (runId: string): string | undefined => {
    const file = fileOf(runId);
    try {
      const key = readFileSync(file, "utf8").trim();
      if (Buffer.from(key, "base64").length === KEY_BYTES) return key;
    } catch (cause) {
      if (isErrno(cause, "ENOENT")) return undefined;
      throw new SignalboxError("STORE_IO", `The key of run ${runId} cannot be read: ${describe(cause)}`, { cause });
    }
    throw new SignalboxError("STORE_CORRUPT", `The key of run ${runId} is damaged: ${file} must hold ${KEY_BYTES} bytes in base64.`);
  };
  return {
    read,
    create(runId) {
      const file = fileOf(runId);
      const key = randomBytes(KEY_BYTES).toString("base64");
      try {
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        writeFileSync(file, key, { mode: 0o600, flag: "wx" });
        return key;
      } catch (cause) {
        const known = isErrno(cause, "EEXIST") ? read(runId) : undefined;
        if (known !== undefined) return known;
        throw new SignalboxError(
          "STORE_IO",
          `The run's key cannot be written to ${file}: ${describe(cause)} Give another place by XDG_DATA_HOME, or a key by SIGNALBOX_KEY.`,
          { cause },
        );
      }
    },
    delete: (runId) => rmSync(fileOf(runId), { force: true }),
  };
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function describe(error: unknown): string {
  return `${error instanceof Error ? error.message : String(error)}.`;
}
