import type { Failure } from "../model/failure.ts";

/** How an activity fails that took too long. */
export function activityTimeout(name: string, kind: "startToClose" | "scheduleToClose", limitMs: number, attempt: number): Failure {
  const message = `Activity ${JSON.stringify(name)} took longer than its ${kind} timeout of ${limitMs} ms (attempt ${attempt}).`;
  return { type: "ActivityTimeout", message };
}
