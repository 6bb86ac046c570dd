// Another server of the Durable Task protocol: small, in memory, and without anything of ours. It sends the whole history with
// each turn, knows no delta turns, no options of activities and no markers, and sends neither the attempt nor any tags to activities
// unless it is asked to. Orchestrations, activities, timers, events, children, continue-as-new; nothing else.

import { randomUUID } from "node:crypto";
import { create, type DescMethod, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { type Timestamp, timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
  status,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import {
  type ActivityResponseSchema,
  type CreateInstanceRequestSchema,
  type HistoryEvent,
  HistoryEventSchema,
  OrchestrationStatus,
  type OrchestratorAction,
  type OrchestratorResponse,
  type ParentInstanceInfo,
  type TaskFailureDetails,
  TaskHubSidecarService,
  type WorkItemSchema,
} from "../../src/wire/generated/durable_task_pb.ts";

type WorkItem = MessageInitShape<typeof WorkItemSchema>;
type EventType = MessageInitShape<typeof HistoryEventSchema>["eventType"];
type WorkerStream = ServerWritableStream<unknown, WorkItem>;

interface Instance {
  readonly instanceId: string;
  readonly name: string;
  readonly parent: ParentInstanceInfo | undefined;
  executionId: string;
  history: HistoryEvent[];
  pending: HistoryEvent[];
  /** The batch that a worker has. */
  turn: { readonly token: string; readonly events: readonly HistoryEvent[] } | undefined;
  status: OrchestrationStatus;
  output: string | undefined;
  failure: TaskFailureDetails | undefined;
  customStatus: string | undefined;
  waiters: (() => void)[];
}

interface Activity {
  readonly token: string;
  readonly instance: Instance;
  readonly executionId: string;
  readonly item: WorkItem;
}

export interface PlainBackend extends AsyncDisposable {
  readonly address: string;
  /** Events of the past that turns have carried, turn by turn. */
  readonly pastLengths: readonly number[];
  readonly abandoned: readonly string[];
  /** Streams that are open now. */
  readonly streams: number;
  /** A health ping for every worker. */
  ping(): void;
  /** Events of the instance's present execution. */
  history(instanceId: string): readonly HistoryEvent[];
  customStatus(instanceId: string): string | undefined;
}

export async function openPlainBackend({ keepsTags = true } = {}): Promise<PlainBackend> {
  const backend = new Backend(keepsTags);
  const server = new Server();
  const handlers = backend.handlers();
  server.addService(serviceDefinition(handlers), handlers);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  return {
    address: `127.0.0.1:${port}`,
    pastLengths: backend.pastLengths,
    abandoned: backend.abandoned,
    get streams() {
      return backend.streams;
    },
    ping: () => backend.ping(),
    history: (instanceId) => backend.instance(instanceId)?.history ?? [],
    customStatus: (instanceId) => backend.instance(instanceId)?.customStatus,
    [Symbol.asyncDispose]: async () => {
      backend.stop();
      server.forceShutdown();
    },
  };
}

/** The methods that have a handler. */
function serviceDefinition(handlers: Readonly<Record<string, UntypedHandleCall>>): ServiceDefinition {
  const methods = TaskHubSidecarService.methods.filter(({ localName }) => localName in handlers);
  return Object.fromEntries(
    methods.map((method: DescMethod) => [
      method.localName,
      {
        path: `/${TaskHubSidecarService.typeName}/${method.name}`,
        requestStream: false,
        responseStream: method.methodKind === "server_streaming",
        requestSerialize: () => Buffer.alloc(0),
        requestDeserialize: (bytes: Buffer) => fromBinary(method.input, bytes),
        responseSerialize: (answer: Record<string, unknown>) => Buffer.from(toBinary(method.output, create(method.output, answer))),
        responseDeserialize: () => ({}),
      },
    ]),
  );
}

class Backend {
  readonly pastLengths: number[] = [];
  readonly abandoned: string[] = [];
  readonly #keepsTags: boolean;
  readonly #instances = new Map<string, Instance>();
  readonly #activities = new Map<string, Activity>();
  /** Tokens of activities that no worker has. */
  readonly #queued = new Set<string>();
  readonly #streams = new Set<WorkerStream>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(keepsTags: boolean) {
    this.#keepsTags = keepsTags;
  }

  instance(instanceId: string): Instance | undefined {
    return this.#instances.get(instanceId);
  }

  get streams(): number {
    return this.#streams.size;
  }

  ping(): void {
    for (const stream of this.#streams) stream.write({ request: { case: "healthPing", value: {} } });
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  handlers(): Readonly<Record<string, UntypedHandleCall>> {
    const unary =
      <Request>(answer: (request: Request) => object | Promise<object>): UntypedHandleCall =>
      (call: ServerUnaryCall<Request, object>, callback: sendUnaryData<object>) => {
        void answered(call.request, answer, callback);
      };
    return {
      hello: unary(() => ({})),
      startInstance: unary((request: MessageShape<typeof CreateInstanceRequestSchema>) => {
        this.#start(request.instanceId, request.name, request.version, request.input, undefined);
        return { instanceId: request.instanceId };
      }),
      getInstance: unary(({ instanceId }: { instanceId: string }) => this.#state(instanceId)),
      waitForInstanceCompletion: unary(async ({ instanceId }: { instanceId: string }) => {
        const instance = this.#find(instanceId);
        while (!isTerminal(instance.status)) await new Promise<void>((resolve) => instance.waiters.push(resolve));
        return this.#state(instanceId);
      }),
      raiseEvent: unary(({ instanceId, name, input }: { instanceId: string; name: string; input?: string }) => {
        this.#deliver(this.#find(instanceId), event(-1, { case: "eventRaised", value: { name, ...(input !== undefined && { input }) } }));
        return {};
      }),
      completeOrchestratorTask: unary((answer: OrchestratorResponse) => {
        this.#completeTurn(answer);
        return {};
      }),
      completeActivityTask: unary((answer: MessageShape<typeof ActivityResponseSchema>) => {
        this.#completeActivity(answer);
        return {};
      }),
      abandonTaskOrchestratorWorkItem: unary(({ completionToken }: { completionToken: string }) => {
        this.abandoned.push(completionToken);
        return {};
      }),
      abandonTaskActivityWorkItem: unary(() => ({})),
      getWorkItems: (stream: WorkerStream) => {
        this.#streams.add(stream);
        stream.on("cancelled", () => this.#lost(stream));
        this.#pump();
      },
    };
  }

  #start(instanceId: string, name: string, version: string | undefined, input: string | undefined, parent: ParentInstanceInfo | undefined) {
    const instance: Instance = {
      instanceId,
      name,
      parent,
      executionId: randomUUID(),
      history: [],
      pending: [],
      turn: undefined,
      status: OrchestrationStatus.PENDING,
      output: undefined,
      failure: undefined,
      customStatus: undefined,
      waiters: [],
    };
    this.#instances.set(instanceId, instance);
    this.#deliver(instance, started(instance, version, input));
  }

  #find(instanceId: string): Instance {
    const instance = this.#instances.get(instanceId);
    if (instance === undefined) throw new Error(`There is no instance ${instanceId}.`);
    return instance;
  }

  #state(instanceId: string): object {
    const instance = this.#instances.get(instanceId);
    if (instance === undefined) return { exists: false };
    const { name, status: orchestrationStatus, executionId, output, failure: failureDetails, customStatus } = instance;
    return {
      exists: true,
      orchestrationState: { instanceId, name, orchestrationStatus, executionId, output, failureDetails, customStatus },
    };
  }

  #deliver(instance: Instance, message: HistoryEvent): void {
    if (isTerminal(instance.status)) return;
    instance.pending.push(message);
    this.#pump();
  }

  #pump(): void {
    const [stream] = this.#streams;
    if (stream === undefined) return;
    // The one that has waited longest is next.
    this.#streams.delete(stream);
    this.#streams.add(stream);
    for (const instance of this.#instances.values())
      if (instance.pending.length > 0 && instance.turn === undefined) this.#sendTurn(stream, instance);
    for (const token of this.#queued) {
      this.#queued.delete(token);
      stream.write(this.#activities.get(token)?.item ?? {});
    }
  }

  #sendTurn(stream: WorkerStream, instance: Instance): void {
    const newEvents = [event(-1, { case: "orchestratorStarted", value: {} }), ...instance.pending];
    const token = randomUUID();
    instance.pending = [];
    instance.turn = { token, events: newEvents };
    this.pastLengths.push(instance.history.length);
    const { instanceId, executionId, history } = instance;
    stream.write({
      request: { case: "orchestratorRequest", value: { instanceId, executionId, pastEvents: history, newEvents } },
      completionToken: token,
    });
  }

  /** What it had goes back; the batch may grow until it is sent again. */
  #lost(stream: WorkerStream): void {
    this.#streams.delete(stream);
    for (const instance of this.#instances.values()) {
      if (instance.turn === undefined) continue;
      instance.pending = [...instance.turn.events.slice(1), ...instance.pending];
      instance.turn = undefined;
    }
    for (const token of this.#activities.keys()) this.#queued.add(token);
    this.#pump();
  }

  #completeTurn({ instanceId, completionToken, actions, customStatus, requiresHistory }: OrchestratorResponse): void {
    const instance = this.#instances.get(instanceId);
    if (instance?.turn?.token !== completionToken) return;
    if (requiresHistory) throw new Error("It had the history.");
    instance.history.push(...instance.turn.events);
    instance.turn = undefined;
    instance.status = OrchestrationStatus.RUNNING;
    if (customStatus !== undefined) instance.customStatus = customStatus;
    for (const action of actions) this.#apply(instance, action);
    // Some servers end each turn in history so.
    if (!isTerminal(instance.status)) instance.history.push(event(-1, { case: "orchestratorCompleted", value: {} }));
    for (const waiter of instance.waiters.splice(0)) waiter();
    this.#pump();
  }

  #apply(instance: Instance, { id, orchestratorActionType: action }: OrchestratorAction): void {
    const { instanceId, executionId, history } = instance;
    switch (action.case) {
      case "scheduleTask": {
        const { name, input, tags } = action.value;
        const token = randomUUID();
        const kept = this.#keepsTags ? { tags } : {};
        history.push(event(id, { case: "taskScheduled", value: { name, ...(input !== undefined && { input }), ...kept } }));
        const value = {
          name,
          ...(input !== undefined && { input }),
          taskId: id,
          orchestrationInstance: { instanceId, executionId },
          ...kept,
        };
        const item: WorkItem = { request: { case: "activityRequest", value }, completionToken: token };
        this.#activities.set(token, { token, instance, executionId, item });
        this.#queued.add(token);
        return;
      }
      case "createTimer": {
        const fireAt = action.value.fireAt as Timestamp;
        history.push(event(id, { case: "timerCreated", value: { fireAt } }));
        const timer = setTimeout(
          () => {
            this.#timers.delete(timer);
            if (instance.executionId === executionId)
              this.#deliver(instance, event(-1, { case: "timerFired", value: { fireAt, timerId: id } }));
          },
          Math.max(0, timestampDate(fireAt).getTime() - Date.now()),
        );
        this.#timers.add(timer);
        return;
      }
      case "createSubOrchestration": {
        const { instanceId: childId, name, version, input } = action.value;
        history.push(
          event(id, {
            case: "subOrchestrationInstanceCreated",
            value: { instanceId: childId, name, ...(input !== undefined && { input }) },
          }),
        );
        const parent = { taskScheduledId: id, name: instance.name, orchestrationInstance: { instanceId, executionId } };
        this.#start(childId, name, version, input, parent as ParentInstanceInfo);
        return;
      }
      case "sendEvent": {
        const { instance: target, name, data } = action.value;
        const input = data === undefined ? {} : { input: data };
        history.push(event(id, { case: "eventSent", value: { instanceId: target?.instanceId ?? "", name, ...input } }));
        const to = this.#instances.get(target?.instanceId ?? "");
        if (to !== undefined) this.#deliver(to, event(-1, { case: "eventRaised", value: { name, ...input } }));
        return;
      }
      case "completeOrchestration": {
        const { orchestrationStatus, result, failureDetails, carryoverEvents } = action.value;
        if (orchestrationStatus === OrchestrationStatus.CONTINUED_AS_NEW) {
          instance.executionId = randomUUID();
          instance.history = [];
          instance.pending = [started(instance, undefined, result), ...carryoverEvents, ...instance.pending.filter(isRaised)];
          return;
        }
        Object.assign(instance, { status: orchestrationStatus, output: result, failure: failureDetails });
        this.#tellParent(instance);
        return;
      }
      default:
        throw new Error(`This server does not know the action ${action.case}.`);
    }
  }

  #tellParent({ parent, output, failure }: Instance): void {
    const waiting = this.#instances.get(parent?.orchestrationInstance?.instanceId ?? "");
    if (parent === undefined || waiting?.executionId !== parent.orchestrationInstance?.executionId || waiting === undefined) return;
    const taskScheduledId = parent.taskScheduledId;
    const told: EventType =
      failure === undefined
        ? { case: "subOrchestrationInstanceCompleted", value: { taskScheduledId, ...(output !== undefined && { result: output }) } }
        : { case: "subOrchestrationInstanceFailed", value: { taskScheduledId, failureDetails: failure } };
    this.#deliver(waiting, event(-1, told));
  }

  #completeActivity({ completionToken, taskId, result, failureDetails }: MessageShape<typeof ActivityResponseSchema>): void {
    const activity = this.#activities.get(completionToken);
    if (activity === undefined || !this.#activities.delete(completionToken)) return;
    this.#queued.delete(completionToken);
    if (activity.instance.executionId !== activity.executionId) return;
    const told: EventType =
      failureDetails === undefined
        ? { case: "taskCompleted", value: { taskScheduledId: taskId, ...(result !== undefined && { result }) } }
        : { case: "taskFailed", value: { taskScheduledId: taskId, failureDetails } };
    this.#deliver(activity.instance, event(-1, told));
  }
}

async function answered<Request>(
  request: Request,
  answer: (request: Request) => object | Promise<object>,
  callback: sendUnaryData<object>,
): Promise<void> {
  try {
    callback(null, await answer(request));
  } catch (error) {
    callback({ code: status.NOT_FOUND, details: String(error) });
  }
}

function started(
  { instanceId, executionId, name, parent }: Instance,
  version: string | undefined,
  input: string | undefined,
): HistoryEvent {
  const value = {
    name,
    orchestrationInstance: { instanceId, executionId },
    ...(version !== undefined && { version }),
    ...(input !== undefined && { input }),
    ...(parent !== undefined && { parentInstance: parent }),
  };
  return event(-1, { case: "executionStarted", value });
}

function event(eventId: number, eventType: EventType): HistoryEvent {
  return create(HistoryEventSchema, { eventId, timestamp: timestampFromDate(new Date()), eventType: eventType ?? { case: undefined } });
}

const isRaised = ({ eventType }: HistoryEvent): boolean => eventType.case === "eventRaised";

const isTerminal = (found: OrchestrationStatus): boolean =>
  found === OrchestrationStatus.COMPLETED || found === OrchestrationStatus.FAILED || found === OrchestrationStatus.TERMINATED;
