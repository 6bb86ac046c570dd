// B15: post steps run last, in the reverse order of declaration of their main steps, not in the order in which these
// happened to start; of one step, the last registered first.

import type { MainItem } from "./main-items.ts";
import { StepRecord } from "./step-record.ts";

export function postSteps(items: readonly MainItem[], records: ReadonlyMap<string, StepRecord>): StepRecord[] {
  return items.toReversed().flatMap((item) => {
    const main = item.kind === "work" ? records.get(item.step.key) : undefined;
    if (main === undefined) return [];
    const posts = main.ending.result?.posts ?? [];
    return posts
      .map((post, index) => {
        // Ids of steps in a file never begin with two underscores.
        const key = index === 0 ? `__post_${main.traits.key}` : `__post_${index + 1}_${main.traits.key}`;
        return new StepRecord({ key, background: false, post: { ...post, main: main.traits.key } });
      })
      .toReversed();
  });
}
