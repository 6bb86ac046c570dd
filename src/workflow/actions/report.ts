import type { Diagnostic } from "../../model/plan.ts";
import type { SourcePosition } from "../../model/template.ts";

/** What there is to say about one file, in the order in which it was found. */
export class Report {
  readonly file: string;
  readonly #diagnostics: Diagnostic[];

  constructor(file: string, diagnostics: readonly Diagnostic[] = []) {
    this.file = file;
    this.#diagnostics = [...diagnostics];
  }

  error(at: SourcePosition | undefined, message: string, help?: string): void {
    this.#diagnostics.push({ severity: "error", file: this.file, message, ...(at && { at }), ...(help !== undefined && { help }) });
  }

  warning(at: SourcePosition | undefined, message: string, help?: string): void {
    this.#diagnostics.push({ severity: "warning", file: this.file, message, ...(at && { at }), ...(help !== undefined && { help }) });
  }

  get hasErrors(): boolean {
    return this.#diagnostics.some((diagnostic) => diagnostic.severity === "error");
  }

  /** By position; what has none comes first. */
  get diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics.toSorted((a, b) => (a.at?.line ?? 0) - (b.at?.line ?? 0) || (a.at?.column ?? 0) - (b.at?.column ?? 0));
  }
}
