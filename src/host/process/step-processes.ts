// Which processes belong to a step: its session and group, all descendants of these, who carries its marker, and the
// orphans that this process adopted since the step began and that belong to no other step.

import { isZombie, type ProcessEntry, readEnvironmentVariable, readProcessTable } from "./process-table.ts";
import { reap } from "./subreaper.ts";

/** In the environment of everything that a step starts: `<run mark>/<job>/<step>/<attempt>`. */
export const MARKER = "SIGNALBOX_STEP";

export interface Leader {
  readonly pid: number;
  /** False: its pid may name another process by now, its session and group do not. */
  isAlive(): boolean;
}

/** What one attempt of a step has started: a process, or for an action one after the other. */
export interface StepLineage {
  readonly leaders: readonly Leader[];
  readonly marker: string;
  /** In ticks; nothing of the step is older. */
  readonly since: number;
}

/** The steps of this process that have begun and whose job is not closed. */
export class StepProcesses {
  readonly #lineages = new Set<StepLineage>();

  add(lineage: StepLineage): void {
    this.#lineages.add(lineage);
  }

  remove(lineage: StepLineage): void {
    this.#lineages.delete(lineage);
  }

  /** What is alive of these attempts now. Zombies that were adopted are reaped on the way. */
  find(lineages: ReadonlySet<StepLineage>): readonly ProcessEntry[] {
    const table = readProcessTable();
    const owners = this.#attribute(table);
    for (const lineage of lineages) {
      if (process.platform !== "linux") break;
      for (const entry of unclaimedOrphans(table, owners, lineage)) owners.set(entry.pid, lineage);
    }
    spread(table, owners);
    const found: ProcessEntry[] = [];
    for (const entry of table) {
      const owner = owners.get(entry.pid);
      if (owner === undefined || !lineages.has(owner)) continue;
      if (!isZombie(entry)) found.push(entry);
      else if (entry.parent === process.pid && !this.#isLeader(entry.pid)) reap(entry.pid);
    }
    return found;
  }

  /** By session, group and marker, then down the tree. */
  #attribute(table: readonly ProcessEntry[]): Map<number, StepLineage> {
    const owners = new Map<number, StepLineage>();
    const byLeader = new Map<number, StepLineage>();
    const gone = new Set<number>();
    for (const lineage of this.#lineages) {
      for (const leader of lineage.leaders) {
        byLeader.set(leader.pid, lineage);
        if (leader.isAlive()) gone.delete(leader.pid);
        else gone.add(leader.pid);
      }
    }
    const byMarker = new Map([...this.#lineages].map((lineage) => [lineage.marker, lineage]));
    // A pid is not given again while a session or group has it as its number: one that is there is a stranger's.
    for (const { pid } of table) if (gone.has(pid)) byLeader.delete(pid);
    let oldest = Number.POSITIVE_INFINITY;
    for (const { since } of this.#lineages) oldest = Math.min(oldest, since);
    for (const entry of table) {
      const lineage = byLeader.get(entry.session) ?? byLeader.get(entry.group);
      if (lineage !== undefined) owners.set(entry.pid, lineage);
    }
    spread(table, owners);
    for (const entry of table) {
      if (owners.has(entry.pid) || entry.startedAt < oldest || isZombie(entry)) continue;
      const marker = readEnvironmentVariable(entry.pid, MARKER);
      const lineage = marker === undefined ? undefined : byMarker.get(marker);
      if (lineage !== undefined) owners.set(entry.pid, lineage);
    }
    spread(table, owners);
    return owners;
  }

  #isLeader(pid: number): boolean {
    for (const { leaders } of this.#lineages) if (leaders.some((leader) => leader.pid === pid)) return true;
    return false;
  }
}

/** Children belong to whom their parents belong. */
function spread(table: readonly ProcessEntry[], owners: Map<number, StepLineage>): void {
  const children = new Map<number, ProcessEntry[]>();
  for (const entry of table) {
    const siblings = children.get(entry.parent);
    if (siblings === undefined) children.set(entry.parent, [entry]);
    else siblings.push(entry);
  }
  const open = [...owners.keys()];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    const owner = owners.get(pid);
    for (const child of children.get(pid) ?? []) {
      if (owner === undefined || owners.has(child.pid)) continue;
      owners.set(child.pid, owner);
      open.push(child.pid);
    }
  }
}

/** A child of this process in a session of its own that nobody here started was adopted. */
function unclaimedOrphans(table: readonly ProcessEntry[], owners: ReadonlyMap<number, StepLineage>, { since }: StepLineage) {
  const ownSession = table.find(({ pid }) => pid === process.pid)?.session;
  return table.filter(
    ({ pid, parent, session, startedAt }) => parent === process.pid && session !== ownSession && !owners.has(pid) && startedAt >= since,
  );
}
