// What an action sees of `with:`: all its inputs as strings, defaults filled in, names compared without case.

import type { EvaluationScope } from "../../expressions/evaluate-expression.ts";
import { evaluateString } from "../../expressions/evaluate-template.ts";
import type { ActionDefinition } from "../../model/action-definition.ts";

type Texts = { readonly [name: string]: string };

export interface ActionInputs {
  readonly values: Texts;
  readonly warnings: readonly string[];
}

export function actionInputs(definition: ActionDefinition, given: Texts, scope: EvaluationScope): ActionInputs {
  const values: { [name: string]: string } = {};
  const warnings: string[] = [];
  const left = new Map(Object.entries(given).map(([name, value]) => [name.toLowerCase(), { name, value }]));
  for (const input of definition.inputs) {
    const entry = left.get(input.name.toLowerCase());
    left.delete(input.name.toLowerCase());
    values[input.name] = entry?.value ?? (input.default === undefined ? "" : evaluateString(input.default, scope));
    if (entry !== undefined && input.deprecationMessage)
      warnings.push(`Input '${input.name}' has been deprecated with message: ${input.deprecationMessage}`);
  }
  if (left.size > 0) {
    const unexpected = [...left.values()].map(({ name }) => `'${name}'`).join(", ");
    const valid = definition.inputs.map(({ name }) => `'${name}'`).join(", ");
    warnings.push(`Unexpected input(s) ${unexpected}, valid inputs are [${valid}]`);
    for (const { name, value } of left.values()) values[name] = value;
  }
  return { values, warnings };
}

/** INPUT_*, by GitHub's rule: blanks become underscores, the rest stays. */
export function inputVariables(values: Texts): Texts {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`INPUT_${name.replaceAll(" ", "_").toUpperCase()}`, value]));
}
