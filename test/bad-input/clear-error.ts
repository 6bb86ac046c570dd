// What a person must never see, and what they must always be told.

import { expect } from "vitest";
import type { Ended } from "../command/command-sandbox.ts";

const STACK = /\n\s+at .*:\d+:\d+|node:internal|node:fs:|Error: .*\n\s+at |\[object Object\]|undefined/;

/** Neither stream shows the inside of the program. */
export function expectNoStack({ output, errors }: Ended): void {
  expect(`\n${output}\n${errors}`).not.toMatch(STACK);
  expect(errors).not.toContain("\u001b");
}

/** The exit code, each text in what was said, and nothing of the program's inside. */
export function expectRefusal(ended: Ended, exitCode: number, ...said: readonly (string | RegExp)[]): void {
  expectNoStack(ended);
  for (const text of said) expect(ended.errors).toMatch(text instanceof RegExp ? text : new RegExp(escapeRegExp(text)));
  expect({ exitCode: ended.exitCode, signal: ended.signal, errors: ended.errors }).toMatchObject({ exitCode, signal: null });
  expect(ended.errors.length).toBeLessThan(5_000);
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
