// `--input NAME=value` against what `workflow_dispatch` declares: typed, with defaults.

import { SignalboxError } from "../../model/errors.ts";
import type { JsonValue } from "../../model/payload.ts";
import type { InputDeclaration, Trigger } from "../../model/plan.ts";

type Given = { readonly [name: string]: string };

export function readInputs(trigger: Trigger, given: Given, file: string): { readonly [name: string]: JsonValue } {
  const declared = trigger.event === "workflow_dispatch" ? (trigger.inputs ?? []) : [];
  refuseUnknown(trigger, declared, given, file);
  const inputs: { [name: string]: JsonValue } = {};
  for (const input of declared) {
    const text = textFor(input, given);
    if (text !== undefined) inputs[input.name] = typed(input, text);
    else if (input.required) throw refused(`${file} requires the input '${input.name}'${about(input)}. Give --input ${input.name}=...`);
    else inputs[input.name] = emptyOf(input);
  }
  return inputs;
}

function refuseUnknown(trigger: Trigger, declared: readonly InputDeclaration[], given: Given, file: string): void {
  const unknown = Object.keys(given).find((name) => !declared.some((input) => isSame(input.name, name)));
  if (unknown === undefined) return;
  if (trigger.event !== "workflow_dispatch") {
    throw refused(`--input ${unknown}: only workflow_dispatch has inputs, and this run is started by ${trigger.event}. Give --event workflow_dispatch.`);
  }
  const names = declared.map((input) => input.name).join(", ");
  throw refused(`--input ${unknown}: ${file} has no such input. ${names === "" ? "It has none." : `It has: ${names}.`}`);
}

function textFor(input: InputDeclaration, given: Given): string | undefined {
  const name = Object.keys(given).find((one) => isSame(one, input.name));
  if (name !== undefined) return given[name];
  const value = input.default;
  return value === undefined || !("value" in value) ? undefined : String(value.value);
}

function typed(input: InputDeclaration, text: string): JsonValue {
  switch (input.type) {
    case "boolean":
      if (text !== "true" && text !== "false") throw refused(`--input ${input.name}: it must be true or false.`);
      return text === "true";
    case "number": {
      const number = Number(text);
      if (text.trim() === "" || !Number.isFinite(number)) throw refused(`--input ${input.name}: it must be a number.`);
      return number;
    }
    case "choice":
      if (!(input.options ?? []).includes(text)) {
        throw refused(`--input ${input.name}: '${text}' is none of its options: ${(input.options ?? []).join(", ")}.`);
      }
      return text;
    case "string":
    case "environment":
      return text;
    default:
      return input.type satisfies never;
  }
}

/** GitHub gives the first option of a choice, false, and otherwise the empty text. */
function emptyOf(input: InputDeclaration): JsonValue {
  if (input.type === "boolean") return false;
  return input.type === "choice" ? (input.options?.[0] ?? "") : "";
}

const isSame = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();
const about = (input: InputDeclaration) => (input.description === undefined ? "" : ` (${input.description})`);
const refused = (message: string) => new SignalboxError("INVALID_ARGUMENT", message);
