import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { asHubName } from "../../model/ids.ts";
import type { InstanceFilter } from "../store.ts";
import { pageQuery } from "./instance-query.ts";
import { MIGRATIONS } from "./migrations.ts";

function planOf(filter: Partial<InstanceFilter>): string {
  using database = new DatabaseSync(":memory:");
  for (const migration of MIGRATIONS) database.exec(migration);
  const { sql, values } = pageQuery({ hub: asHubName("h"), ...filter }, { limit: 10, withPayloads: true, after: "7" });
  const steps = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
  return steps.map((step) => String(step["detail"])).join("\n");
}

test.each<[string, Partial<InstanceFilter>, string]>([
  ["all of a hub", {}, "orchestrations_by_hub (hub=? AND rowid>?)"],
  ["one status", { status: ["Failed"] }, "orchestrations_by_hub (hub=? AND rowid>?)"],
  ["several statuses", { status: ["Failed", "Canceled"] }, "orchestrations_by_hub (hub=? AND rowid>?)"],
  ["times", { createdFrom: 1, updatedTo: 5, completedFrom: 2 }, "orchestrations_by_hub (hub=? AND rowid>?)"],
  ["a name and a prefix", { name: "n", idPrefix: "p" }, "orchestrations_by_hub (hub=? AND rowid>?)"],
  ["entities", { sort: "entities" }, "entities_by_hub (hub=? AND rowid>?)"],
  ["entities with a state", { sort: "entities", withStateOnly: true, idPrefix: "@counter@" }, "entities_by_hub (hub=? AND rowid>?)"],
])("%s come in order from where the page begins, and are not sorted", (_what, filter, index) => {
  const plan = planOf(filter);
  expect(plan).toContain(`SEARCH i USING INDEX ${index}`);
  expect(plan).not.toContain("ORDER BY");
});
