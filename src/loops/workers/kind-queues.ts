// What waits for a worker, in one queue per name and version: work that nobody takes blocks nothing.

import type { OpenStream, StreamGroup } from "./open-stream.ts";
import { takesVersion } from "./stream-groups.ts";

export class KindQueue<Item> {
  readonly name: string;
  readonly version: string | undefined;
  /** Some of this kind wait in the store alone. */
  isCut = false;
  /** One more was left in the store since its reading began. */
  isCutAgain = false;
  /** Places kept for items whose commit is under way, in the order of the commits. */
  readonly kept: OpenStream[] = [];
  #items: Item[] = [];
  #head = 0;

  constructor(name: string, version: string | undefined) {
    this.name = name;
    this.version = version;
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  shift(): Item | undefined {
    const item = this.#items[this.#head];
    this.#head += 1;
    if (this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

export class KindQueues<Item> {
  readonly #byName = new Map<string, Map<string | undefined, KindQueue<Item>>>();
  /** Those with items, in the order in which they are served. */
  readonly #waiting = new Set<KindQueue<Item>>();

  get length(): number {
    let length = 0;
    for (const queue of this.#waiting) length += queue.length;
    return length;
  }

  get isEmpty(): boolean {
    return this.#byName.size === 0;
  }

  get all(): readonly KindQueue<Item>[] {
    return [...this.#byName.values()].flatMap((versions) => [...versions.values()]);
  }

  find(name: string, version: string | undefined): KindQueue<Item> | undefined {
    return this.#byName.get(name)?.get(version);
  }

  /** The queue of that kind, made if there is none. */
  of(name: string, version: string | undefined): KindQueue<Item> {
    const versions = this.#byName.get(name) ?? new Map<string | undefined, KindQueue<Item>>();
    const queue = versions.get(version) ?? new KindQueue<Item>(name, version);
    this.#byName.set(name, versions.set(version, queue));
    return queue;
  }

  push(queue: KindQueue<Item>, item: Item): void {
    queue.push(item);
    this.#waiting.add(queue);
  }

  /** The next item of a kind; the kind goes behind the others. */
  shift(queue: KindQueue<Item>): Item | undefined {
    const item = queue.shift();
    this.#waiting.delete(queue);
    if (queue.length > 0) this.#waiting.add(queue);
    else this.dropIfIdle(queue);
    return item;
  }

  dropIfIdle(queue: KindQueue<Item>): void {
    if (queue.length > 0 || queue.isCut || queue.kept.length > 0) return;
    const versions = this.#byName.get(queue.name);
    versions?.delete(queue.version);
    if (versions?.size === 0) this.#byName.delete(queue.name);
  }

  /** A kind with items that the streams of the group take. */
  nextFor(group: StreamGroup): KindQueue<Item> | undefined {
    if (group.filter === undefined || this.#waiting.size <= group.filter.size) {
      for (const queue of this.#waiting) if (takesVersion(group, queue.name, queue.version)) return queue;
      return undefined;
    }
    for (const name of group.filter.keys()) {
      for (const queue of this.#byName.get(name)?.values() ?? []) {
        if (queue.length > 0 && takesVersion(group, name, queue.version)) return queue;
      }
    }
    return undefined;
  }
}
