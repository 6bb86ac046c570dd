import { engineEnvironment } from "../../src/host/engine-environment.ts";
import type { RemoteEnvironment } from "../../src/remote/remote-environment.ts";

/** Real clocks; pauses between attempts as short as they can be. */
export const remoteEnvironment: RemoteEnvironment = { ...engineEnvironment, random: () => 0 };
