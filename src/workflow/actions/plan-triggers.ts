import { FILE_START, type Field, fieldMap, fieldsOf, itemsOf, optional, textOf, textsOf } from "../../expressions/token-fields.ts";
import type { CallInterface, InputDeclaration, Trigger } from "../../model/plan.ts";
import type { TemplateToken } from "../../model/template.ts";
import { cronProblem } from "./cron.ts";
import { filterPatternProblem } from "./filter-pattern.ts";
import type { Report } from "./report.ts";

/** Every form of `on`: one event, a list, a mapping with filters. */
export function planTriggers(on: TemplateToken | undefined, report: Report): readonly Trigger[] {
  if (on?.kind === "mapping") return fieldsOf(on).map((field) => planTrigger(field, report));
  return textsOf(on).map(({ text, at }) => ({ event: text, at }));
}

function planTrigger(event: Field, report: Report): Trigger {
  const fields = fieldMap(event.value);
  const list = (name: string): readonly string[] | undefined => {
    const field = fields.get(name);
    return field && textsOf(field.value).map(({ text }) => text);
  };
  for (const [filter, opposite] of [
    ["branches", "branches-ignore"],
    ["tags", "tags-ignore"],
    ["paths", "paths-ignore"],
  ] as const) {
    const clash = fields.get(opposite);
    if (fields.has(filter) && clash !== undefined) {
      report.error(
        clash.at,
        `'${event.name}' has both '${filter}' and '${opposite}'. Use '${filter}' alone, with '!' in front of what it must not match.`,
      );
    }
  }
  for (const filter of ["branches", "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore"]) {
    for (const { text, at } of textsOf(fields.get(filter)?.value)) {
      const problem = filterPatternProblem(text);
      if (problem !== undefined) report.error(at, problem);
    }
  }
  return {
    event: event.name,
    ...optional("types", list("types")),
    ...optional("branches", list("branches")),
    ...optional("branchesIgnore", list("branches-ignore")),
    ...optional("tags", list("tags")),
    ...optional("tagsIgnore", list("tags-ignore")),
    ...optional("paths", list("paths")),
    ...optional("pathsIgnore", list("paths-ignore")),
    ...optional("workflows", list("workflows")),
    ...optional("inputs", event.name === "workflow_dispatch" ? planInputs(fields.get("inputs"), "string", report) : undefined),
    ...optional("cron", event.name === "schedule" ? planCron(event.value, report) : undefined),
    at: event.at,
  };
}

function planCron(token: TemplateToken, report: Report): readonly string[] {
  return itemsOf(token).flatMap((item) => {
    const cron = fieldMap(item).get("cron");
    const text = textOf(cron?.value);
    if (cron === undefined || text === undefined) return [];
    const problem = cronProblem(text);
    if (problem !== undefined) report.error(cron.value.at ?? cron.at, problem);
    return [text];
  });
}

export function planCallInterface(on: TemplateToken | undefined, report: Report): CallInterface | undefined {
  const call = fieldMap(on).get("workflow_call");
  if (call === undefined) {
    return textsOf(on).some(({ text }) => text === "workflow_call") ? { inputs: [], secrets: [], outputs: [] } : undefined;
  }
  const fields = fieldMap(call.value);
  return {
    inputs: planInputs(fields.get("inputs"), undefined, report),
    secrets: fieldsOf(fields.get("secrets")?.value).map(({ name, value }) => ({ name, required: isTrue(fieldMap(value).get("required")) })),
    outputs: fieldsOf(fields.get("outputs")?.value).flatMap(({ name, value }) => {
      const output = fieldMap(value).get("value")?.value;
      return output === undefined ? [] : [{ name, value: output }];
    }),
  };
}

const INPUT_TYPES = ["string", "number", "boolean", "choice", "environment"] as const;

function planInputs(inputs: Field | undefined, defaultType: "string" | undefined, report: Report): readonly InputDeclaration[] {
  return fieldsOf(inputs?.value).map(({ name, value, at }) => {
    const fields = fieldMap(value);
    const type = INPUT_TYPES.find((known) => known === textOf(fields.get("type")?.value)) ?? defaultType ?? "string";
    const options = fields.get("options");
    const declaration: InputDeclaration = {
      name,
      type,
      required: isTrue(fields.get("required")),
      ...optional("description", textOf(fields.get("description")?.value)),
      ...optional("default", fields.get("default")?.value),
      ...optional("options", options && textsOf(options.value).map(({ text }) => text)),
      at: at ?? FILE_START,
    };
    checkInput(declaration, report);
    return declaration;
  });
}

function checkInput(input: InputDeclaration, report: Report): void {
  if (input.type === "choice" && (input.options ?? []).length === 0) {
    report.error(input.at, `The input '${input.name}' is of type 'choice' and lists no 'options'.`);
    return;
  }
  const value = input.default;
  if (value === undefined || value.kind === "expression" || value.kind === "null") return;
  const at = value.at ?? input.at;
  if (input.type === "boolean" && value.kind !== "boolean" && !(value.kind === "string" && /^(true|false)$/.test(value.value))) {
    report.error(at, `The default of the input '${input.name}' must be true or false.`);
  }
  if (
    input.type === "number" &&
    value.kind !== "number" &&
    !(value.kind === "string" && value.value !== "" && !Number.isNaN(Number(value.value)))
  ) {
    report.error(at, `The default of the input '${input.name}' must be a number.`);
  }
  if (input.type === "choice" && !(input.options ?? []).includes(textOf(value) ?? "")) {
    report.error(at, `The default of the input '${input.name}' is none of its options: ${(input.options ?? []).join(", ")}.`);
  }
}

function isTrue(field: Field | undefined): boolean {
  return textOf(field?.value) === "true";
}
