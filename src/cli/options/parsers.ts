// Option values: each parser returns the value or says what is wrong with it, what would be right, with an example.

import { InvalidArgumentError } from "commander";
import { SignalboxError } from "../../model/errors.ts";

type Pairs = { readonly [name: string]: string };

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const NAME_RULE = "A name has letters, digits and '_', and does not begin with a digit.";
const UNIT_MS: { readonly [unit: string]: number } = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** An integer from 1 on; at most what is given, with the reason why. */
export function positiveInteger(most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < 1 || number > most) throw new InvalidArgumentError(`It must be a whole number from 1 to ${most}.`);
    return number;
  };
}

export function nonNegativeInteger(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("It must be a whole number, 0 or more.");
  return Number(text);
}

/** `90s`, `30m`, `12h`, `7d`, `2w`. */
export function durationMs(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(text) ?? [];
  const size = unit === undefined ? undefined : UNIT_MS[unit];
  if (count === undefined || size === undefined) {
    throw new InvalidArgumentError("It must be a number with a unit: 90s, 30m, 12h, 7d or 2w.");
  }
  return Number(count) * size;
}

/** `16m`, `512k`, `1g`: bytes, in powers of 1024. */
export function byteSize(text: string): number {
  const [, count, unit] = /^(\d{1,12})([kmg]?)b?$/i.exec(text) ?? [];
  const size = Number(count) * 1024 ** ["", "k", "m", "g"].indexOf(unit?.toLowerCase() ?? "");
  if (!(size >= 1)) throw new InvalidArgumentError("It must be a number of bytes, such as 65536, 512k, 16m or 1g.");
  return size;
}

/** `--var NAME=value`, repeated. */
export function namedValue(text: string, before: Pairs = {}): Pairs {
  const { name, value } = nameAndValue(text);
  if (value === undefined) throw new InvalidArgumentError(`It must be NAME=value, such as ${name}=yes.`);
  return { ...before, [name]: value };
}

/** Values that may be given without one, then taken from the environment: `--secret NAME`, `--env NAME`. */
export interface NamedText {
  readonly name: string;
  readonly value?: string;
}

/** The text may hold a secret, so a wrong one is not repeated, as Commander would in its own message. */
export function nameOrNamedValue(option: string): (text: string, before?: readonly NamedText[]) => readonly NamedText[] {
  return (text, before = []) => {
    try {
      return [...before, nameAndValue(text)];
    } catch {
      throw new SignalboxError("INVALID_ARGUMENT", `${option} takes NAME or NAME=value. ${NAME_RULE}`);
    }
  };
}

function nameAndValue(text: string): NamedText {
  const at = text.indexOf("=");
  const name = at === -1 ? text : text.slice(0, at);
  if (!NAME.test(name)) throw new InvalidArgumentError(NAME_RULE);
  return at === -1 ? { name } : { name, value: text.slice(at + 1) };
}

/** Inputs have wider names than variables: `dry-run=true`. */
export function inputValue(text: string, before: Pairs = {}): Pairs {
  const at = text.indexOf("=");
  const name = text.slice(0, at === -1 ? text.length : at);
  if (at === -1) throw new InvalidArgumentError(`It must be NAME=value, such as ${name}=yes.`);
  if (!/^[A-Za-z_][\w-]*$/.test(name)) throw new InvalidArgumentError("An input's name has letters, digits, '-' and '_'.");
  return { ...before, [name]: text.slice(at + 1) };
}

export interface MatrixFilter {
  readonly key: string;
  readonly value: string;
}

/** `--matrix node:24`, repeated. */
export function matrixFilter(text: string, before: readonly MatrixFilter[] = []): readonly MatrixFilter[] {
  const at = text.indexOf(":");
  if (at < 1) throw new InvalidArgumentError("It must be KEY:VALUE, such as node:24.");
  return [...before, { key: text.slice(0, at), value: text.slice(at + 1) }];
}

/** `--action owner/repo@ref=DIR`, repeated. */
export function actionFolder(text: string, before: Pairs = {}): Pairs {
  const [, reference, folder] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (reference === undefined || folder === undefined || !/^[\w.-]+\/[\w.-]+(?:\/[^@]*)?@[^@\s]+$/.test(reference)) {
    throw new InvalidArgumentError("It must be owner/repo@ref=DIR, such as actions/cache@v4=../cache.");
  }
  return { ...before, [reference]: folder };
}

export function repeated(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
