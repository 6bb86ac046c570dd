import type { JobKey } from "../../model/host-port.ts";

/** Relative to the run's directory. */
export const attemptLogFile = (job: JobKey, step: string, attempt: number): string => `logs/${job}/${step}.${attempt}.log`;
