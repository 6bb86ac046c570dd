import { shellWord } from "../render/run-end.ts";

/** What a suggested command needs so that it finds the run. */
export function commandSuffix(options: { readonly state?: string }): string {
  return options.state === undefined ? "" : ` --state ${shellWord(options.state)}`;
}
