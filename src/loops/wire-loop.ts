// The parts of a loop and who speaks to whom: each part gets what it needs of the others, and the mailbox for what it learns.

import type { TurnPorts } from "../engine/apply-turn.ts";
import { asExecutionId, type HubName } from "../model/ids.ts";
import type { InstanceRef, InstanceRow } from "../model/parts.ts";
import { Alarm } from "./alarm.ts";
import { Backlog } from "./backlog.ts";
import { type Change, Committer } from "./committer.ts";
import { Deliveries } from "./deliveries.ts";
import { Dispatch } from "./dispatch.ts";
import { EntityTurns } from "./entity-turns.ts";
import { InboxKeeper } from "./inbox-keeper.ts";
import { Instances } from "./instances.ts";
import { LocalEntities } from "./local-entities.ts";
import { LocalPlaces } from "./local-places.ts";
import type { LoopEvent } from "./loop-events.ts";
import type { LoopOptions } from "./loop-options.ts";
import { Ownership } from "./ownership.ts";
import { Readings } from "./readings.ts";
import { Replacements } from "./replacements.ts";
import { Stalls } from "./stalls.ts";
import { Timers } from "./timers.ts";
import { TurnCommits } from "./turn-commits.ts";
import { Turns } from "./turns.ts";
import { passOn } from "./workers/pass-on.ts";
import { DEFAULT_WORKER_LIMITS } from "./workers/worker-limits.ts";
import { Workers } from "./workers/workers.ts";

/** Of what nodes share, when there is room again for more than is free now. */
const CLAIMED_AT_ONCE = 256;
/** An owner gives up an instance within a commit or two. */
const WANTED_AGAIN_MS = 25;

export interface LoopParts {
  readonly readings: Readings;
  readonly committer: Committer;
  readonly instances: Instances;
  readonly dispatch: Dispatch;
  readonly timers: Timers;
  readonly alarm: Alarm;
  readonly backlog: Backlog;
  readonly commits: TurnCommits;
  readonly turns: Turns;
  /** Of this process. */
  readonly entities: LocalEntities;
  readonly replacements: Replacements;
  readonly deliveries: Deliveries;
  /** Present if workers out of process may connect. */
  readonly workers: Workers | undefined;
  /** Present where nodes share the store. */
  readonly ownership: Ownership | undefined;
}

/** `end` ends the loop with an error. */
export function wireLoop(options: LoopOptions, post: (event: LoopEvent) => void, end: (error: unknown) => void): LoopParts {
  const { store, definitions, environment, executor, limits, observer, workers: workerLimits } = options;
  const { clock } = environment;
  let ownership: Ownership | undefined;
  const { sharing } = store;
  const committer = new Committer(
    store,
    limits,
    (landed) => post({ kind: "BatchLanded", landed }),
    (changes, error) => post({ kind: "BatchFailed", changes, error }),
  );
  const commit = (change: Change): void => committer.add(change);
  const readings = new Readings(post);
  const timers = new Timers(store);
  const instances = new Instances({
    store,
    limits,
    clock,
    readings,
    commit,
    mayStayCold: (ref, row) => workers?.mayStayCold(ref, row) ?? false,
    forgotten: (ref) => {
      workers?.giveBack(ref);
      replacements.forgotten(ref);
    },
    untaken: (ref, waiting) => deliveries.timerUntaken(ref, waiting),
    absent: (ref) => replacements.absent(ref),
    isShared: () => sharing?.hasPeers ?? false,
    look: (ref) => ownership?.look(ref),
    broke: (error) => end(error),
  });
  const keeper = new InboxKeeper({
    instances,
    timers,
    commit,
    removed: (activity) => dispatch.settled(activity),
    refused: (ref, reason) => stalls.stallByRef(ref, reason),
  });
  const stalls = new Stalls({
    instances,
    keeper,
    timers,
    clock,
    stalled: observer.stalled.bind(observer),
    ...(sharing !== undefined && { handOver: (entry) => ownership?.handOver(entry) ?? false }),
  });
  const openedAt = clock.now();
  const deliveries = new Deliveries({ instances, keeper, timers, clock, openedAt, gone: (ref, reason) => dispatch.abort(ref, reason) });
  const local = new LocalPlaces({ executor, maxActivities: limits.maxActivities, maxQueued: limits.maxQueuedActivities });
  const turnPorts = (hub: HubName): TurnPorts => ({
    mintExecutionId: () => asExecutionId(environment.ids.uuid()),
    reserve: (name, version) => dispatch.reserve(hub, name, version),
    maxInboxMessages: limits.maxInboxMessages,
  });
  const workers =
    workerLimits === undefined
      ? undefined
      : new Workers({
          epoch: store.epoch,
          clock,
          limits: workerLimits,
          engineLimits: limits,
          instances,
          keeper,
          stalls,
          turnPorts,
          commits: () => commits,
          dispatch: () => dispatch,
          deliveries,
          isStopped: () => dispatch.isStopped,
          unserved: (entry) => void ownership?.handOver(entry),
          streamsChanged: () => ownership?.workersChanged(),
          ...(sharing !== undefined && {
            passOn: (said) => passOn(sharing, said, (orphan) => post({ kind: "Shared", event: { kind: "Orphaned", said: orphan } })),
          }),
        });
  const places = workers === undefined ? [local] : [local, workers.activities];
  const dispatch: Dispatch = new Dispatch({
    clock,
    local,
    ...(workers !== undefined && { remote: workers.activities }),
    isLocal: (name) => executor.serves?.(name) ?? true,
    commit,
    report: (task, attempt, outcome) => post({ kind: "ActivityReported", task, attempt, outcome }),
    settle: (task, outcome, answer) => deliveries.activityEnded(task, outcome, answer),
    refused: (task, reason) => stalls.stallByRef(task.key.ref, reason),
  });
  const turned = (row: InstanceRow, hasEnded: boolean): void => {
    if (hasEnded) workers?.over(row.ref);
    observer.turned(row, hasEnded);
  };
  const commits = new TurnCommits({ instances, deliveries, keeper, stalls, dispatch, timers, clock, commit, turned });
  const localEntities = new LocalEntities({
    entities: options.entities,
    instances,
    limits,
    report: (batch, result) => post({ kind: "EntityServed", batch, result }),
    commits: () => commits,
    entityPorts: turnPorts,
  });
  const entities = new EntityTurns({
    clock,
    instances,
    stalls,
    commits,
    entityPorts: turnPorts,
    local: localEntities,
    ...(workers !== undefined && { remote: workers.entities }),
    maxBatch: (workerLimits ?? DEFAULT_WORKER_LIMITS).maxEntityBatch,
  });
  const replacements = new Replacements({
    store,
    readings,
    instances,
    deliveries,
    commit,
    ...(sharing !== undefined && {
      want: (ref, again) => {
        sharing.want(ref);
        clock.setTimer(WANTED_AGAIN_MS, () => post({ kind: "Shared", event: { kind: "Again", again } }));
      },
    }),
  });
  const turns = new Turns({
    store,
    definitions,
    environment,
    limits,
    instances,
    keeper,
    stalls,
    dispatch,
    commits,
    turnPorts,
    entities,
    replacements: replacements,
    ...(workers !== undefined && { remote: workers.turns, giveBack: (ref: InstanceRef) => workers.giveBack(ref) }),
  });
  const backlog = new Backlog({
    store,
    readings,
    instances,
    deliveries,
    dispatch,
    timers,
    clock,
    places,
    ...(sharing !== undefined && { claimActivities: (of) => ownership?.claimActivities(of, CLAIMED_AT_ONCE) }),
  });
  if (sharing !== undefined) {
    ownership = new Ownership({
      sharing,
      readings,
      instances,
      keeper,
      deliveries,
      timers,
      backlog,
      dispatch,
      places,
      commit,
      capabilities: () => [
        ...definitions.names.map((name) => ({ name })),
        ...localEntities.names.map((name) => ({ name, isEntity: true })),
        ...(workers?.capabilities() ?? []),
      ],
      unserved: () => workers?.unserved() ?? [],
      changedElsewhere: observer.changedElsewhere.bind(observer),
      said: (said) => workers?.taken(said),
      broke: (error) => end(error),
    });
  }
  const alarm = new Alarm(clock, () => post({ kind: "AlarmRang" }));
  return {
    readings,
    committer,
    instances,
    dispatch,
    timers,
    alarm,
    backlog,
    commits,
    turns,
    entities: localEntities,
    replacements,
    deliveries,
    workers,
    ownership,
  };
}
