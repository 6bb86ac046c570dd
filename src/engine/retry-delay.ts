import type { RetryPolicy } from "../model/activity-options.ts";
import type { Failure } from "../model/failure.ts";

/** The pause before attempt `attempt + 1`, or undefined if `attempt` was the last. */
export function retryDelay(policy: RetryPolicy | undefined, attempt: number, failure: Failure): number | undefined {
  if (policy === undefined || attempt >= policy.maxAttempts || failure.isNonRetriable === true) return undefined;
  const delay = policy.firstDelayMs * (policy.backoff ?? 1) ** (attempt - 1);
  return Math.max(0, Math.round(Math.min(delay, policy.maxDelayMs ?? Number.MAX_SAFE_INTEGER)));
}
