// Serves one work item: has it run, and brings the answer to the server. An item that cannot be served costs itself only (E13).

import type { ReceivedActivity } from "../../wire/activities.ts";
import { outcomeToWire } from "../../wire/activities.ts";
import { entityResultToWire, type ReceivedBatch } from "../../wire/entity-work.ts";
import { TaskHubSidecarService, type WorkItem } from "../../wire/generated/durable_task_pb.ts";
import { type ReceivedTurn, turnResultToWire } from "../../wire/turns.ts";
import { type ReceivedWork, workItemFromWire } from "../../wire/work-items.ts";
import type { ActivityRunner } from "./activity-runner.ts";
import type { EntityRunner } from "./entity-runner.ts";
import type { Reporter, Subject } from "./reporter.ts";
import type { TurnRunner } from "./turn-runner.ts";
import type { WarmInstances } from "./warm-instances.ts";
import type { Session } from "./work-stream.ts";

const { method } = TaskHubSidecarService;

export interface ItemServicePorts {
  readonly turns: TurnRunner;
  readonly activities: ActivityRunner;
  readonly entities: EntityRunner;
  readonly warm: WarmInstances;
  readonly reporter: Reporter;
}

export class ItemService {
  readonly #ports: ItemServicePorts;

  constructor(ports: ItemServicePorts) {
    this.#ports = ports;
  }

  /**
   * True if the server has taken what was made of it: should the very same item come again, it is done with. One that was given
   * back, or whose history was asked for, comes again to be served. Never rejects.
   */
  async serve(item: WorkItem, bytes: number, session: Session): Promise<boolean> {
    try {
      const received = workItemFromWire(item);
      return received === undefined || (await this.#serve(received, bytes, session));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return await this.#abandon(subjectOf(item), reason);
    }
  }

  async #abandon(subject: Subject, reason: string): Promise<false> {
    await this.#ports.reporter.abandon(subject, reason);
    return false;
  }

  async #serve(work: ReceivedWork, bytes: number, session: Session): Promise<boolean> {
    switch (work.sort) {
      case "orchestration":
        return await this.#turn(work, bytes, session);
      case "activity":
        return await this.#activity(work);
      case "entity":
        return await this.#batch(work);
      default:
        return work satisfies never;
    }
  }

  async #turn(turn: ReceivedTurn, bytes: number, session: Session): Promise<boolean> {
    const { turns, reporter, warm } = this.#ports;
    const { token, instanceId } = turn;
    const keepsWarm = (): boolean => session.isOpen && session.deltaTurns;
    const outcome = await turns.run({ turn, bytes, attemptsActivities: !session.deltaTurns, keepsWarm });
    if (outcome.kind === "abandoned") return await this.#abandon(turn, outcome.reason);
    const isTaken = await reporter.report(turn, method.completeOrchestratorTask, turnResultToWire(token, instanceId, outcome.result));
    if (!isTaken) warm.drop(instanceId);
    return isTaken && outcome.result.requiresHistory !== true;
  }

  async #activity(item: ReceivedActivity): Promise<boolean> {
    const { activities, reporter } = this.#ports;
    const end = await activities.run(item);
    if (end.kind === "abandoned") return await this.#abandon(item, end.reason);
    return await reporter.report(item, method.completeActivityTask, outcomeToWire(item, end.outcome));
  }

  async #batch(batch: ReceivedBatch): Promise<boolean> {
    const { entities, reporter } = this.#ports;
    const end = await entities.run(batch);
    if (end.kind === "abandoned") return await this.#abandon(batch, end.reason);
    return await reporter.report(batch, method.completeEntityTask, entityResultToWire(batch.token, end.result));
  }
}

/** Of one that could not even be read. */
function subjectOf({ request, completionToken: token }: WorkItem): Subject {
  switch (request.case) {
    case "orchestratorRequest":
      return { sort: "orchestration", instanceId: request.value.instanceId, token };
    case "activityRequest":
      return { sort: "activity", instanceId: request.value.orchestrationInstance?.instanceId ?? "", token };
    case "entityRequest":
    case "entityRequestV2":
      return { sort: "entity", instanceId: request.value.instanceId, token };
    case "healthPing":
    case undefined:
      return { sort: "orchestration", instanceId: "", token };
    default:
      return request satisfies never;
  }
}
