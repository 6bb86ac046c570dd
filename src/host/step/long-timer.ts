/** Node's timers end at 2^31 ms. */
const LONGEST_MS = 2 ** 31 - 1;

/** Calls back after so many milliseconds of the monotonic clock; returns what disarms it. */
export function armLongTimer(ms: number, onExpiry: () => void): () => void {
  const deadline = performance.now() + ms;
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    const left = deadline - performance.now();
    timer = left <= LONGEST_MS ? setTimeout(onExpiry, Math.max(left, 0)) : setTimeout(arm, LONGEST_MS);
  };
  arm();
  return () => clearTimeout(timer);
}
