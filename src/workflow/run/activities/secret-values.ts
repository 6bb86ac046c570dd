// The secrets of a job: the run's, or what the calls above the job let through. Values stay in memory.

import type { SecretSource } from "../../../model/host-port.ts";
import type { JobExpressions } from "../ports.ts";
import type { SecretScope } from "../records.ts";
import { valueText } from "../value-text.ts";

const STATUS = { success: true, failure: false, cancelled: false };

export function secretValues(given: readonly SecretSource[], scope: SecretScope, expressions: JobExpressions): readonly SecretSource[] {
  return scope.reduce((outer, link) => {
    if (link.secrets === "inherit") return outer;
    const secrets = Object.fromEntries(outer.map(({ name, value }) => [name, value]));
    const contexts = { ...link.contexts, secrets };
    return link.secrets.map(({ name, value }) => ({ name, value: valueText(expressions.value(value, { contexts, status: STATUS })) }));
  }, given);
}
