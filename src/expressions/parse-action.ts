import type { ActionDefinition, ActionRuns, NodeRuns } from "../model/action-definition.ts";
import type { Diagnostic, WorkStepPlan } from "../model/plan.ts";
import type { TemplateToken } from "../model/template.ts";
import { conditionText } from "./condition.ts";
import { parseActionTokens, type SourceFile } from "./parse-file.ts";
import { readWorkStep } from "./read-work-step.ts";
import { FILE_START, type Field, fieldMap, fieldsOf, itemsOf, optional, textOf } from "./token-fields.ts";

export interface ParsedAction {
  /** Absent when there is an error. */
  readonly action?: ActionDefinition;
  readonly diagnostics: readonly Diagnostic[];
}

/** An `action.yml`. Needs nothing beside its text: whether its files exist is the host's to find out. */
export async function parseActionFile(source: SourceFile): Promise<ParsedAction> {
  const parsed = await parseActionTokens(source);
  const diagnostics = parsed.diagnostics.map(explainBackgroundKeys);
  if (parsed.root === undefined || diagnostics.length > 0) return { diagnostics };
  const fields = fieldMap(parsed.root);
  const runs = readRuns(fields.get("runs"));
  if ("problem" in runs) {
    const at = runs.at ?? parsed.root.at;
    return { diagnostics: [{ severity: "error", file: source.file, message: runs.problem, ...(at && { at }) }] };
  }
  const action: ActionDefinition = {
    name: textOf(fields.get("name")?.value) ?? source.file,
    ...optional("description", textOf(fields.get("description")?.value)),
    inputs: fieldsOf(fields.get("inputs")?.value).map(({ name, value }) => {
      const input = fieldMap(value);
      return {
        name,
        required: textOf(input.get("required")?.value) === "true",
        ...optional("default", input.get("default")?.value),
        ...optional("deprecationMessage", textOf(input.get("deprecationMessage")?.value)),
      };
    }),
    outputs: fieldsOf(fields.get("outputs")?.value).map(({ name, value }) => ({
      name,
      ...optional("value", fieldMap(value).get("value")?.value),
    })),
    runs,
  };
  return { action, diagnostics };
}

type Problem = { readonly problem: string; readonly at?: TemplateToken["at"] };

function readRuns(runs: Field | undefined): ActionRuns | Problem {
  if (runs === undefined) return { problem: "The action file has no 'runs': it does not say how the action runs." };
  const fields = fieldMap(runs.value);
  const using = fields.get("using");
  const kind = textOf(using?.value);
  switch (kind) {
    case "composite":
      return { using: kind, steps: itemsOf(fields.get("steps")?.value).flatMap(readCompositeStep) };
    case "docker": {
      const image = textOf(fields.get("image")?.value);
      return image === undefined ? { problem: "The action's 'runs' has no 'image'.", at: runs.at } : { using: kind, image };
    }
    case "node12":
    case "node16":
    case "node20":
    case "node24":
      return readNodeRuns(kind, fields, runs);
    default: {
      const what = kind === undefined ? "The action's 'runs' has no 'using'." : `The action runs with '${kind}', which is not known.`;
      return { problem: `${what} Known are composite, node20, node24 and docker.`, at: using?.value.at ?? runs.at };
    }
  }
}

function readNodeRuns(using: NodeRuns["using"], fields: ReadonlyMap<string, Field>, runs: Field): NodeRuns | Problem {
  const main = textOf(fields.get("main")?.value);
  if (main === undefined) return { problem: "The action's 'runs' has no 'main'.", at: runs.at };
  const condition = (name: string) => conditionText(fields.get(name)?.value) || "always()";
  return {
    using,
    main,
    ...optional("pre", textOf(fields.get("pre")?.value)),
    preIf: condition("pre-if"),
    ...optional("post", textOf(fields.get("post")?.value)),
    postIf: condition("post-if"),
  };
}

function readCompositeStep(token: TemplateToken, index: number): readonly WorkStepPlan[] {
  const place = { positionKey: `__${index + 1}`, at: token.at ?? FILE_START, background: false };
  const step = readWorkStep(fieldMap(token), place);
  return step === undefined ? [] : [step];
}

function explainBackgroundKeys(diagnostic: Diagnostic): Diagnostic {
  const key = /^Unexpected value '(background|wait|wait-all|cancel|parallel)'$/.exec(diagnostic.message)?.[1];
  if (key === undefined) return diagnostic;
  return { ...diagnostic, message: `'${key}' is not allowed in a composite action.`, help: "docs/spec/background.md#validation" };
}
