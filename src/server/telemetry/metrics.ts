// What the server counts, for Prometheus. Names of hubs are labels only up to a bound: whoever may call names as many as they
// like, and each label costs memory for ever.

import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { CommittedTurn, StalledInstance } from "../../loops/engine.ts";
import { WORK_SORTS, type WorkSort } from "../../loops/workers/work-item.ts";
import type { WorkerHub } from "../../loops/workers/worker-hub.ts";
import type { GrpcServer } from "../grpc/options.ts";
import { Status } from "../grpc/status.ts";

const MAX_HUB_LABELS = 50;
const OTHER_HUBS = "(other)";
/** In seconds: a commit takes under a millisecond, a wait may take hours. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];

export interface MetricsSources {
  readonly workers: () => ReturnType<WorkerHub["stats"]> | undefined;
  readonly grpc: () => ReturnType<GrpcServer["stats"]> | undefined;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #hubs = new Set<string>();
  readonly #rpcs = new Histogram({
    name: "signalbox_rpc_duration_seconds",
    help: "Calls by method and status.",
    labelNames: ["method", "code"] as const,
    buckets: BUCKETS,
    registers: [this.#registry],
  });
  readonly #dispatched = this.#counter("work_items_dispatched_total", "Work items handed to workers.", ["sort"] as const);
  readonly #completed = this.#counter("work_items_completed_total", "Work items that workers completed.", ["sort"] as const);
  readonly #abandoned = this.#counter("work_items_abandoned_total", "Work items that workers gave back.", ["sort"] as const);
  readonly #commits = this.#counter("commits_total", "Commits with turns.", [] as const);
  readonly #events = this.#counter("events_total", "History events committed.", ["hub"] as const);
  readonly #started = this.#counter("instances_started_total", "Instances that began.", ["hub"] as const);
  readonly #ended = this.#counter("instances_ended_total", "Instances that ended.", ["hub", "status"] as const);
  readonly #continued = this.#counter("instances_continued_total", "Instances that continued as new.", ["hub"] as const);
  readonly #stalled = this.#counter("instances_stalled_total", "Instances that came to a standstill.", ["hub"] as const);
  readonly #purged = this.#counter("instances_purged_total", "Instances purged because of their age.", [] as const);

  constructor({ workers, grpc }: MetricsSources) {
    const inFlight = this.#gauge("work_items_in_flight", "Work items that are with workers.", ["sort"] as const, () => {
      for (const sort of WORK_SORTS) inFlight.set({ sort }, workers()?.inFlight[sort] ?? 0);
    });
    const queued = this.#gauge("work_items_queued", "Work items that wait in memory for workers.", ["sort"] as const, () => {
      for (const sort of WORK_SORTS) queued.set({ sort }, workers()?.queued[sort] ?? 0);
    });
    const streams = this.#gauge("worker_streams", "Open streams of workers.", [] as const, () => streams.set(grpc()?.streams ?? 0));
    const connections = this.#gauge("connections", "Open connections.", [] as const, () => connections.set(grpc()?.connections ?? 0));
    const waiters = this.#gauge("waiting_calls", "Calls that wait for an instance.", [] as const, () => waiters.set(grpc()?.waiters ?? 0));
    const memory: Gauge = new Gauge({
      name: "process_resident_memory_bytes",
      help: "Resident memory size in bytes.",
      registers: [this.#registry],
      collect: () => memory.set(process.memoryUsage.rss()),
    });
    const cpu: Gauge = new Gauge({
      name: "process_cpu_seconds_total",
      help: "User and system CPU time spent in seconds.",
      registers: [this.#registry],
      collect: () => {
        const { user, system } = process.cpuUsage();
        cpu.set((user + system) / 1e6);
      },
    });
  }

  answered(method: string, status: Status, durationMs: number): void {
    this.#rpcs.observe({ method, code: Status[status] }, durationMs / 1000);
  }

  dispatched(sort: WorkSort): void {
    this.#dispatched.inc({ sort });
  }

  completed(sort: WorkSort): void {
    this.#completed.inc({ sort });
  }

  abandoned(sort: WorkSort): void {
    this.#abandoned.inc({ sort });
  }

  committed(turns: readonly CommittedTurn[]): void {
    this.#commits.inc();
    for (const { hub: name, events } of turns) {
      const hub = this.#label(name);
      this.#events.inc({ hub }, events.length);
      for (const event of events) {
        if (event.kind === "ExecutionStarted") this.#started.inc({ hub });
        else if (event.kind !== "ExecutionCompleted") continue;
        else if (event.status === "ContinuedAsNew") this.#continued.inc({ hub });
        else this.#ended.inc({ hub, status: event.status });
      }
    }
  }

  stalled({ hub }: StalledInstance): void {
    this.#stalled.inc({ hub: this.#label(hub) });
  }

  purged(count: number): void {
    this.#purged.inc(count);
  }

  /** In the text format of Prometheus. */
  async text(): Promise<{ readonly contentType: string; readonly body: string }> {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  #label(hub: string): string {
    if (this.#hubs.has(hub)) return hub;
    if (this.#hubs.size === MAX_HUB_LABELS) return OTHER_HUBS;
    this.#hubs.add(hub);
    return hub;
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name: `signalbox_${name}`, help, labelNames, registers: [this.#registry] });
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: readonly Label[], collect: () => void): Gauge<Label> {
    return new Gauge({ name: `signalbox_${name}`, help, labelNames, registers: [this.#registry], collect });
  }
}
