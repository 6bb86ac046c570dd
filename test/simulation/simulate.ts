// One seed: a plan, a machine in its weather, clients, and the checks around them.

import type { HistoryEvent } from "../../src/model/events.ts";
import { dumpRows } from "../store-conformance/dump-rows.ts";
import { Deliveries } from "./activities.ts";
import type { Backend } from "./backends.ts";
import { CLEARED_HUB, ClearingClient } from "./clearing-client.ts";
import { Client } from "./client.ts";
import { CommitChecks } from "./commit-checks.ts";
import { e16NoLockWithoutLivingHolder } from "./entity-invariants.ts";
import { Fleet } from "./fleet.ts";
import { generatePlan } from "./generate-plan.ts";
import { e3ReadIsWhatWasCommitted, e14NothingWaitsForEver } from "./invariants.ts";
import { Ledger } from "./ledger.ts";
import { Machine } from "./machine.ts";
import { type Outcomes, outcomesOf } from "./outcomes.ts";
import type { Plant } from "./plant.ts";
import type { Plan } from "./program.ts";
import { Random } from "./random.ts";
import { SentItems } from "./sent-items.ts";
import { CALM, drawWeather, type Weather } from "./weather.ts";
import { type Violation, World } from "./world.ts";

/** Rests after which something must have come to an end. */
const MAX_RESTS = 60;
const HUBS = ["default", CLEARED_HUB];

export interface SimulationOptions {
  readonly seed: number;
  readonly backend: Backend;
  readonly isCalm?: boolean;
  readonly plant?: Plant;
  /** Instead of what the seed draws. */
  readonly plan?: Plan;
  /** Before the happening of that number. */
  readonly strike?: { readonly at: number; readonly does: (machine: Machine, ledger: Ledger) => void };
}

export interface Report {
  readonly seed: number;
  readonly plan: Plan;
  readonly weather: Weather;
  readonly violation: Violation | undefined;
  readonly outcomes: Outcomes;
  readonly traceHash: string;
  readonly trace: readonly string[];
  readonly drawn: readonly string[];
  readonly rows: readonly object[];
  readonly deaths: number;
  readonly happenings: number;
}

export async function simulate({
  seed,
  backend,
  isCalm = false,
  plant = {},
  plan: given,
  strike: struck,
}: SimulationOptions): Promise<Report> {
  const random = new Random(seed);
  const plan = given ?? generatePlan(random);
  const drawnWeather = drawWeather(random);
  const weather = isCalm ? CALM : drawnWeather;
  const world = new World(random);
  const ledger = new Ledger();
  const deliveries = new Deliveries();
  const sent = new SentItems(world, ledger, plan);
  const checks = new CommitChecks(world, ledger, deliveries, sent);
  const machine: Machine = new Machine({
    world,
    backend,
    checks,
    deliveries,
    weather,
    plant,
    booted: () => fleet.booted(),
    left: () => fleet.left(),
  });
  const fleet = new Fleet({ world, machine, sent, checks, deliveries, weather: () => machine.weather.workers });
  const clients = [
    ...plan.roots.map((root) => new Client({ world, machine, ledger, deliveries, weather }, root)),
    ...(plan.clearing === undefined ? [] : [new ClearingClient({ world, machine, ledger }, plan.clearing)]),
  ];
  const fail = (error: unknown): void =>
    world.violate("simulation", error instanceof Error ? (error.stack ?? error.message) : String(error));

  if (struck !== undefined) world.interrupt = { at: struck.at, strike: () => struck.does(machine, ledger) };
  machine.boot().catch(fail);
  for (const client of clients) client.run().catch(fail);
  strike(world, machine, weather).catch(fail);
  fleet.beCut().catch(fail);
  await settle({ world, machine, ledger, clients, fleet, sent });

  world.interrupt = undefined;
  if (world.violation === undefined) await readBack(world, machine, ledger);
  const rows = world.violation === undefined ? await finalRows(machine) : [];
  return {
    seed,
    plan,
    weather,
    violation: world.violation,
    outcomes: outcomesOf(ledger),
    traceHash: world.traceHash,
    trace: world.lines,
    drawn: random.drawn,
    rows,
    deaths: machine.deaths,
    happenings: world.happenings,
  };
}

/** Crashes, restarts and clock jumps at their own time. */
async function strike(world: World, machine: Machine, weather: Weather): Promise<void> {
  const { random } = world;
  for (let count = 0; count < weather.strikes; count++) {
    await world.sleep(random.int("strikes after", 1, weather.strikePauseMs));
    const what = random.pick("strike", ["crash", "shutdown", "jump"]);
    if (what === "jump" && weather.clockJumps) {
      const jump = random.pick("jump", [1_000, 3_600_000, 86_400_000]) * random.pick("direction", [1, -1]);
      world.trace(`clock jumps by ${jump}`);
      world.skew += jump;
    } else if (what === "crash" && machine.mayDie()) machine.crash("out of the blue");
    else if (what === "shutdown" && machine.mayDie()) await machine.shutDown();
  }
}

interface Scene {
  readonly world: World;
  readonly machine: Machine;
  readonly ledger: Ledger;
  readonly clients: readonly (Client | ClearingClient)[];
  readonly fleet: Fleet;
  readonly sent: SentItems;
}

/** Until all is done. At each rest a person looks: what was lost is taken up by a new process, what stands still is resumed. */
async function settle({ world, machine, ledger, clients, fleet, sent }: Scene): Promise<void> {
  for (let rest = 0; rest < MAX_RESTS; rest++) {
    await world.run();
    if (world.violation !== undefined) return;
    const { hubs, engine } = await machine.process();
    sent.restChecks(hubs.workers.stats(), fleet.streams);
    if (clients.every((client) => client.isDone) && ledger.living.length === 0 && ledger.busyEntities.length === 0) return;
    machine.calmDown();
    const asleep = [...ledger.living, ...ledger.entities].filter(({ stalled, status }) => stalled !== undefined || status === "Suspended");
    if (machine.hasLostReports) machine.crash("to take up what was lost");
    else if (fleet.restartSilent()) continue;
    else if (asleep.length > 0) for (const { instanceId } of asleep) void engine.resume(instanceId).catch(() => undefined);
    else break;
  }
  const waiting = clients.filter((client) => !client.isDone);
  sent.endChecks();
  world.check("E16", e16NoLockWithoutLivingHolder(ledger));
  world.check("E14", e14NothingWaitsForEver(ledger, waiting.length));
  if (waiting.length > 0) world.violate("E14", `clients wait: ${waiting.map(({ doing }) => doing).join("; ")}`);
}

/** What a client can read: every instance once, page by page, and each history, as committed (E3). */
async function readBack(world: World, machine: Machine, ledger: Ledger): Promise<void> {
  const { engine } = await machine.process();
  const reading = async (): Promise<void> => {
    const found = new Map<string, string>();
    for (let after: string | undefined, isLast = false; !isLast; isLast = after === undefined) {
      const page = await engine.query({ limit: 3, ...(after !== undefined && { after }) });
      for (const { instanceId, status } of page.instances) found.set(instanceId, status);
      after = page.next;
    }
    const histories = new Map<string, readonly HistoryEvent[]>();
    for (const instanceId of found.keys()) histories.set(instanceId, await engine.history(instanceId));
    world.check("E3", e3ReadIsWhatWasCommitted(ledger, found, histories));
    isRead = true;
  };
  let isRead = false;
  reading().catch((error: unknown) => world.violate("E3", `reading back fails: ${String(error)}`));
  await world.run();
  if (!isRead) world.violate("E14", "reading back does not end");
}

async function finalRows(machine: Machine): Promise<readonly object[]> {
  return await dumpRows(machine.disk, HUBS);
}
