// What every store does, run against each of them. A store joins by a backend: how to open it, and how to open again what
// an earlier handle left, with that handle closed or crashed.

import { describe } from "vitest";
import type { Store } from "../../src/store/store.ts";
import { describeAtomicity } from "./atomicity.ts";
import { describeClearHub } from "./clear-hub.ts";
import { describeContinueAsNew } from "./continue-as-new.ts";
import { describeDeliver } from "./deliver.ts";
import { describeEntities } from "./entities.ts";
import { describeLargeBatches } from "./large-batches.ts";
import { describeOnce } from "./once.ts";
import { describeQueries } from "./queries.ts";
import { describeRaces } from "./races.ts";
import { describeRewind } from "./rewind.ts";
import { describeStart } from "./start.ts";
import { describeText } from "./text.ts";
import { describeWork } from "./work.ts";

export interface Backend extends AsyncDisposable {
  /** The first time a new store; later the same rows under a higher epoch, after ending the handle before. */
  open(): Promise<Store>;
}

export type OpenBackend = () => Promise<Backend>;

export function describeStore(name: string, openBackend: OpenBackend): void {
  describe(`${name} store`, () => {
    describeStart(openBackend);
    describeDeliver(openBackend);
    describeOnce(openBackend);
    describeEntities(openBackend);
    describeWork(openBackend);
    describeContinueAsNew(openBackend);
    describeRewind(openBackend);
    describeClearHub(openBackend);
    describeAtomicity(openBackend);
    describeRaces(openBackend);
    describeQueries(openBackend);
    describeText(openBackend);
    describeLargeBatches(openBackend);
  });
}
