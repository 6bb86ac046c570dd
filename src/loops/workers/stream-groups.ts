// The streams of one hub, for one sort of work. Streams with the same filter are one group; groups are found by the names
// that they take. So an item looks at a few groups, and at no idle stream but the one that gets it.

import { hasRoom, type OpenStream, type StreamFilter, type StreamGroup } from "./open-stream.ts";
import type { WorkSort } from "./work-item.ts";
import type { WorkFilters } from "./worker-hub.ts";

export class StreamGroups {
  readonly #sort: WorkSort;
  readonly #bySignature = new Map<string, StreamGroup>();
  readonly #byName = new Map<string, Set<StreamGroup>>();
  #all: StreamGroup | undefined;
  #serial = 0;

  constructor(sort: WorkSort) {
    this.#sort = sort;
  }

  get isEmpty(): boolean {
    return this.#bySignature.size === 0;
  }

  /** False for a stream that takes nothing of this sort. */
  add(open: OpenStream): boolean {
    const filter = filterOf(open.stream.filters, this.#sort);
    if (filter?.size === 0 || open.stream.credits[this.#sort] <= 0) return false;
    const signature = signatureOf(filter);
    const group = this.#bySignature.get(signature) ?? this.#addGroup(signature, filter);
    group.members.add(open);
    open.groups[this.#sort] = group;
    this.changed(open);
    return true;
  }

  remove(open: OpenStream): void {
    const group = open.groups[this.#sort];
    if (group === undefined || !group.members.delete(open)) return;
    group.roomy.delete(open);
    if (group.members.size > 0) return;
    this.#bySignature.delete(group.signature);
    if (group.filter === undefined) this.#all = undefined;
    for (const name of group.filter?.keys() ?? []) {
      const groups = this.#byName.get(name);
      groups?.delete(group);
      if (groups?.size === 0) this.#byName.delete(name);
    }
  }

  /** It may have got room, or lost it. */
  changed(open: OpenStream): void {
    const group = open.groups[this.#sort];
    if (group === undefined || !group.members.has(open)) return;
    if (hasRoom(open, this.#sort)) group.roomy.add(open);
    else group.roomy.delete(open);
  }

  /** It gets an item: those like it come first from now on. */
  used(open: OpenStream): void {
    open.usedAt = ++this.#serial;
    open.groups[this.#sort]?.roomy.delete(open);
    this.changed(open);
  }

  /** The least recently used with room that takes the kind. */
  find(name: string, version: string | undefined): OpenStream | undefined {
    let best = first(this.#all);
    for (const group of this.#byName.get(name) ?? []) {
      if (!takesVersion(group, name, version)) continue;
      const candidate = first(group);
      if (candidate !== undefined && (best === undefined || candidate.usedAt < best.usedAt)) best = candidate;
    }
    return best;
  }

  /** Whether any stream, with room or without, takes the kind. */
  hasTaker(name: string, version: string | undefined): boolean {
    if (this.#all !== undefined) return true;
    for (const group of this.#byName.get(name) ?? []) if (takesVersion(group, name, version)) return true;
    return false;
  }

  #addGroup(signature: string, filter: StreamFilter | undefined): StreamGroup {
    const group: StreamGroup = { signature, filter, members: new Set(), roomy: new Set() };
    this.#bySignature.set(signature, group);
    if (filter === undefined) this.#all = group;
    for (const name of filter?.keys() ?? []) {
      const groups = this.#byName.get(name) ?? new Set();
      this.#byName.set(name, groups.add(group));
    }
    return group;
  }
}

export function takesVersion({ filter }: StreamGroup, name: string, version: string | undefined): boolean {
  const versions = filter === undefined ? "any" : filter.get(name);
  return versions === "any" || (versions?.has(version ?? "") ?? false);
}

function first(group: StreamGroup | undefined): OpenStream | undefined {
  if (group === undefined) return undefined;
  const [open] = group.roomy;
  return open;
}

function filterOf(filters: WorkFilters | undefined, sort: WorkSort): StreamFilter | undefined {
  if (sort === "entity") return filters?.entities && new Map(filters.entities.map(({ name }) => [name.toLowerCase(), "any"]));
  const list = sort === "orchestration" ? filters?.orchestrations : filters?.activities;
  if (list === undefined) return undefined;
  const filter = new Map<string, Set<string> | "any">();
  for (const { name, versions = [] } of list) {
    const known = filter.get(name);
    if (versions.length === 0 || known === "any") filter.set(name, "any");
    else filter.set(name, new Set([...(known ?? []), ...versions]));
  }
  return filter;
}

function signatureOf(filter: StreamFilter | undefined): string {
  if (filter === undefined) return "";
  const names = [...filter].map(([name, versions]) => [name, versions === "any" ? null : [...versions].toSorted()] as const);
  return JSON.stringify(names.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
