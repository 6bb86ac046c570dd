// The environment that a run takes over from its terminal may hold its secrets: those variables are recorded sealed, apart
// from the others, and opened where a job is told to the host.

import type { Masker } from "../../host/text/masker.ts";
import type { ValueSealer } from "../../host/text/sealed-value.ts";
import type { RunInputs } from "../../model/run-view.ts";

type Texts = { readonly [name: string]: string };

/** What the run's inputs look like on disk. */
export async function withSealedEnvironment(
  inputs: RunInputs,
  run: { readonly id: string; readonly sealKey: string; readonly secrets: ReadonlyMap<string, string> },
): Promise<RunInputs> {
  if (run.secrets.size === 0) return inputs;
  const [{ Masker }, { ValueSealer }] = await Promise.all([import("../../host/text/masker.ts"), import("../../host/text/sealed-value.ts")]);
  return sealed(inputs, new Masker([...run.secrets.values()]), new ValueSealer(run.sealKey, run.id));
}

function sealed(inputs: RunInputs, masker: Masker, sealer: ValueSealer): RunInputs {
  const variables = Object.entries(inputs.baseEnvironment);
  const secret = variables.filter(([, value]) => masker.wouldMask(value));
  if (secret.length === 0) return inputs;
  return {
    ...inputs,
    baseEnvironment: Object.fromEntries(variables.filter(([, value]) => !masker.wouldMask(value))),
    sealedEnvironment: Object.fromEntries(secret.map(([name, value]) => [name, sealer.seal(value)])),
  };
}

/** The sealed part of a recorded environment. */
export async function openedEnvironment(
  { sealedEnvironment }: RunInputs,
  run: { readonly id: string; readonly sealKey: string | undefined },
): Promise<Texts> {
  if (sealedEnvironment === undefined || run.sealKey === undefined) return {};
  const { ValueSealer } = await import("../../host/text/sealed-value.ts");
  const sealer = new ValueSealer(run.sealKey, run.id);
  return Object.fromEntries(Object.entries(sealedEnvironment).map(([name, value]) => [name, sealer.open(value)]));
}
