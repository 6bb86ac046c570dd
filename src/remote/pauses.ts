import type { RemoteEnvironment } from "./remote-environment.ts";

/** Pauses between attempts: they double up to a bound, and each is spread over its upper half. */
export interface Pauses {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Before the attempt that follows `failures` failed ones in a row. */
export function pauseMs({ firstMs, maxMs }: Pauses, failures: number, random: () => number): number {
  const whole = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return whole / 2 + (whole / 2) * random();
}

/** Resolves after the delay, or at once when the signal aborts. */
export function pause({ clock }: Pick<RemoteEnvironment, "clock">, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.setTimer(delayMs, end);
    signal?.addEventListener("abort", end, { once: true });
  });
}
