export interface Finding {
  readonly name: string;
  readonly level: "ok" | "warn" | "fail";
  /** What is there. */
  readonly found: string;
  /** What to do, where there is something to do. */
  readonly advice?: string;
}

export interface Patient {
  readonly stateDirectory: string;
  readonly repository: string;
  readonly environment: { readonly [name: string]: string | undefined };
  readonly version: string;
}

export type Check = (patient: Patient) => Finding | Promise<Finding>;
