// B15: pre steps run before the first main step, in order of declaration, post steps after the last one, in the reverse
// order of declaration of their main steps; both in the foreground, background steps' too.

import { comparePlaces, isSamePlace } from "../../../model/action-place.ts";
import type { ActionPlace, RegisteredPost, RegisteredPre } from "../../../model/host-port.ts";
import type { MainItem } from "./main-items.ts";
import { StepRecord } from "./step-record.ts";

export function preSteps(pres: readonly RegisteredPre[]): StepRecord[] {
  const count = new Map<string, number>();
  return pres.map((pre) => {
    const index = count.get(pre.main) ?? 0;
    count.set(pre.main, index + 1);
    return new StepRecord({ key: keyOf("pre", index, pre.main), background: false, pre });
  });
}

export function postSteps(items: readonly MainItem[], records: ReadonlyMap<string, StepRecord>): StepRecord[] {
  const pres = [...records.values()].filter(({ traits }) => traits.pre !== undefined);
  return items.toReversed().flatMap((item) => {
    const main = item.kind === "work" ? records.get(item.step.key) : undefined;
    if (main === undefined) return [];
    const { key } = main.traits;
    const byMain = postsOf(main);
    // What a pre step began is cleaned up also where its main step never ran.
    const byPre = pres.filter(({ traits }) => traits.pre?.main === key).flatMap(postsOf);
    const left = byPre.filter((post) => !byMain.some((other) => isSamePlace(placeOf(post), placeOf(other))));
    const posts = left.length === 0 ? byMain : [...byMain, ...left].toSorted((one, other) => comparePlaces(placeOf(one), placeOf(other)));
    return posts
      .map((post, index) => new StepRecord({ key: keyOf("post", index, key), background: false, post: { ...post, main: key } }))
      .toReversed();
  });
}

const postsOf = ({ ending }: StepRecord): readonly RegisteredPost[] => ending.result?.posts ?? [];
const placeOf = ({ place = [] }: RegisteredPost): ActionPlace => place;

/** Ids of steps in a file never begin with two underscores. */
function keyOf(kind: "pre" | "post", index: number, main: string): string {
  return index === 0 ? `__${kind}_${main}` : `__${kind}_${index + 1}_${main}`;
}
