// Calls that a lost connection does not end: repeated with growing pauses, while the server may come back.

import { type Pauses, pause, pauseMs } from "./pauses.ts";
import type { RemoteEnvironment } from "./remote-environment.ts";
import { isLost } from "./rpc-error.ts";

const PAUSES: Pauses = { firstMs: 50, maxMs: 2_000 };

export interface RepeatOptions {
  /** How long the server may be away at a stretch. */
  readonly awayMs: number;
  readonly signal?: AbortSignal;
}

/**
 * For calls whose repetition changes nothing. `attempt` is told how many attempts the server may have seen. Rejects with the last
 * attempt's error, or with the signal's reason.
 */
export async function repeatWhileLost<Answer>(
  environment: RemoteEnvironment,
  { awayMs, signal }: RepeatOptions,
  attempt: (previousAttempts: number) => Promise<Answer>,
): Promise<Answer> {
  const { clock, random } = environment;
  let failures = 0;
  let awaySince: number | undefined;
  for (let attempts = 0; ; attempts += 1) {
    const startedAt = clock.monotonic();
    try {
      return await attempt(attempts);
    } catch (error) {
      if (!isLost(error)) throw error;
      const now = clock.monotonic();
      // One that waited for long had a server until just now.
      if (now - startedAt > awayMs) {
        failures = 0;
        awaySince = undefined;
      }
      failures += 1;
      awaySince ??= now;
      const delayMs = pauseMs(PAUSES, failures, random);
      if (now + delayMs - awaySince > awayMs) throw error;
      await pause(environment, delayMs, signal);
      signal?.throwIfAborted();
    }
  }
}
