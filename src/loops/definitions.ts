import { SignalboxError } from "../model/errors.ts";
import type { AnyOrchestrator } from "../runtime/live-orchestration.ts";

/** The orchestrators of an engine or a worker, by name and version. */
export class Definitions {
  readonly #host: "engine" | "worker";
  readonly #byName = new Map<string, Map<string | undefined, AnyOrchestrator>>();

  constructor(orchestrators: readonly AnyOrchestrator[], host: "engine" | "worker" = "engine") {
    this.#host = host;
    for (const orchestrator of orchestrators) {
      const versions = this.#byName.get(orchestrator.name) ?? new Map<string | undefined, AnyOrchestrator>();
      if (versions.has(orchestrator.version)) {
        const version = orchestrator.version === undefined ? "" : ` in version ${JSON.stringify(orchestrator.version)}`;
        throw new SignalboxError("INVALID_ARGUMENT", `Orchestrator ${JSON.stringify(orchestrator.name)} is defined twice${version}.`);
      }
      versions.set(orchestrator.version, orchestrator);
      this.#byName.set(orchestrator.name, versions);
    }
  }

  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  /** That very version, else the one without a version, which serves all. */
  orchestrator(name: string, version: string | undefined): AnyOrchestrator | undefined {
    const versions = this.#byName.get(name);
    return versions?.get(version) ?? versions?.get(undefined);
  }

  unknownOrchestrator(name: string, version: string | undefined): string {
    const wanted = `${JSON.stringify(name)}${version === undefined ? "" : ` in version ${JSON.stringify(version)}`}`;
    const known = [...this.#byName.keys()].map((other) => JSON.stringify(other)).join(", ") || "none";
    return `No orchestrator is named ${wanted}; this ${this.#host} has: ${known}. ${this.#host === "engine" ? "Open the engine" : "Connect a worker"} with it to go on.`;
  }
}
