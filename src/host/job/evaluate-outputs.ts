// Job outputs and the like. What would show a secret is dropped, as on GitHub.

import { evaluateTemplate } from "../../expressions/evaluate-template.ts";
import { evaluateWithHashes } from "../../expressions/evaluate-with-hashes.ts";
import type { EvaluatedOutputs, EvaluateOutputs } from "../../model/host-port.ts";
import type { JsonValue } from "../../model/payload.ts";
import { hashFiles } from "../step/hash-files.ts";
import type { HostedJob } from "./hosted-job.ts";

export async function evaluateOutputs(job: HostedJob, request: EvaluateOutputs): Promise<EvaluatedOutputs> {
  const environment = job.environmentAt(request.at);
  const { value } = await evaluateWithHashes(
    (hash) =>
      request.values.map(({ name, value: token }) => {
        const scope = job.scope({ at: request.at, environment, hashFiles: hash });
        return [name, evaluateTemplate(token, scope)] as const;
      }),
    (patterns) => hashFiles(patterns, job.request.directories.workspace),
  );
  const values: { [name: string]: JsonValue } = {};
  const skipped: string[] = [];
  for (const [name, output] of value) {
    if (job.masker.wouldMask(typeof output === "string" ? output : JSON.stringify(output))) skipped.push(name);
    else values[name] = output;
  }
  return { values, skipped };
}
