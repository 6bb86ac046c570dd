// The published command's first file with types: begins what takes longest, then loads the command itself. Not used inside
// the project, where the sources run as they are.

import { join } from "node:path";
import { type StoreThread, startStoreThread } from "../../store/sqlite/start-thread.ts";
import type { ServerCommands } from "../server-commands.ts";
import { loadScript } from "./code-cache.ts";

/** Set by the build: changes with the command's code. */
declare const SIGNALBOX_BUILD: string;

interface Bundle {
  readonly main: (options: {
    readonly thread: StoreThread | undefined;
    readonly loadServerCommands: () => Promise<ServerCommands>;
  }) => Promise<void>;
}

/** They open a store: its thread starts while everything else is loaded. */
const OPEN_A_STORE = new Set(["run", "resume", "rerun"]);
/** Each calls its own part of the code. */
const WITH_OWN_CACHE = new Set([...OPEN_A_STORE, "list", "show", "logs", "plan", "validate"]);

/** Loads the command; what is returned starts it. */
export function load(): () => Promise<void> {
  const command = process.argv[2] ?? "";
  const thread = OPEN_A_STORE.has(command) ? startStoreThread() : undefined;
  const cacheDirectory = findCacheDirectory(process.env);
  const name = `${WITH_OWN_CACHE.has(command) ? command : "other"}-${SIGNALBOX_BUILD}-${process.version}-${process.arch}`;
  const bundle = loadScript({
    file: join(import.meta.dirname, "main.cjs"),
    url: import.meta.url,
    ...(cacheDirectory === undefined ? {} : { cacheFile: join(cacheDirectory, name) }),
  }) as Bundle; // The build makes it of main.ts.
  return () => bundle.main({ thread, loadServerCommands });
}

/** A script cannot import: it is done for it here. */
async function loadServerCommands(): Promise<ServerCommands> {
  const bundled = (await import(new URL("./server.js", import.meta.url).href)) as { readonly serverCommands: ServerCommands };
  return bundled.serverCommands; // The build makes it of server-commands.ts.
}

/** Node's own switch turns this off too. */
function findCacheDirectory(environment: NodeJS.ProcessEnv): string | undefined {
  if (environment["NODE_DISABLE_COMPILE_CACHE"]) return undefined;
  const { XDG_CACHE_HOME: cache, HOME: home } = environment;
  if (cache?.startsWith("/")) return join(cache, "signalbox", "code");
  return home?.startsWith("/") ? join(home, ".cache", "signalbox", "code") : undefined;
}
