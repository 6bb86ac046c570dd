// The real engine, host and store. Only what starts the store's thread is loaded with this file; the rest is loaded while
// that starts.

import { openSqliteStore } from "../../store/sqlite/open-threaded.ts";
import type { StoreThread } from "../../store/sqlite/start-thread.ts";
import type { SessionDependencies } from "./session-dependencies.ts";

/** `thread` serves the first store that is opened. */
export function dependenciesWith(thread: StoreThread | undefined): SessionDependencies {
  let ready = thread;
  return {
    now: Date.now,
    openStore(path) {
      const taken = ready;
      ready = undefined;
      return openSqliteStore({ path, ...(taken !== undefined && { thread: taken }) });
    },
    async openEngine(options) {
      const [{ openEngine }, { engineEnvironment }] = await Promise.all([
        import("../../loops/open-engine.ts"),
        import("../../host/engine-environment.ts"),
      ]);
      return openEngine({ ...options, environment: engineEnvironment });
    },
    // The codec stands between them although they share a process: nothing reaches around the port.
    async createHost() {
      const [{ createLocalHost }, { throughCodec }] = await Promise.all([
        import("../../host/local-host.ts"),
        import("../../host/transport/host-client.ts"),
      ]);
      return throughCodec(createLocalHost());
    },
    async expressions({ actionFolders }) {
      const [{ createJobExpressions }, { loadExpressions }] = await Promise.all([
        import("../../workflow/actions/job-expressions.ts"),
        import("../../expressions/official-packages.ts"),
      ]);
      await loadExpressions();
      return createJobExpressions({ machine: { platform: process.platform, arch: process.arch }, actionFolders });
    },
    async readWorkflow(source, shownAs) {
      const { planWorkflow } = await import("../../workflow/actions/plan-workflow.ts");
      return planWorkflow({ file: shownAs, text: source });
    },
  };
}

export const realDependencies = dependenciesWith(undefined);
