// How another process reaches a live run.

import { connect, type Socket } from "node:net";
import { SignalboxError } from "../../model/errors.ts";
import type { ControlAnswer, ControlRequest } from "./control-protocol.ts";
import { LineSplitter } from "./split-lines.ts";

/** Waits this long for an answer; a run that is busy for longer is not answering. */
const ANSWER_MS = 10_000;

/** Undefined: nobody listens there. The caller knows what the request answers with. */
export async function ask<Result>(path: string, request: ControlRequest): Promise<Result | undefined> {
  const connection = await open(path);
  if (connection === undefined) return undefined;
  try {
    return (await connection.ask(request)) as Result;
  } finally {
    connection.close();
  }
}

export interface Connection {
  ask(request: ControlRequest): Promise<unknown>;
  /** Lines that are no answer. */
  onLine(listener: (line: string) => void): void;
  readonly closed: Promise<void>;
  close(): void;
}

/** Undefined: nobody listens there. */
export function open(path: string): Promise<Connection | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("error", () => resolve(undefined));
    socket.once("connect", () => resolve(over(socket)));
  });
}

/** Until somebody wants the lines that are no answers. */
const ignore = (_line: string): void => {};

function over(socket: Socket): Connection {
  const answers: ((line: string) => void)[] = [];
  let onLine = ignore;
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const splitter = new LineSplitter((line) => (answers.shift() ?? onLine)(line));
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => splitter.push(text));
  socket.on("error", () => socket.destroy());
  return {
    closed,
    close: () => socket.destroy(),
    onLine: (listener) => {
      onLine = listener;
    },
    ask: (request) =>
      new Promise((resolve, reject) => {
        const gone = () => reject(new SignalboxError("FAILED_PRECONDITION", "The run's process went away before it answered."));
        const late = setTimeout(() => reject(new SignalboxError("FAILED_PRECONDITION", "The run's process does not answer.")), ANSWER_MS);
        socket.once("close", gone);
        answers.push((line) => {
          clearTimeout(late);
          socket.off("close", gone);
          // From our own server, on a socket that only this user can reach.
          const answer = JSON.parse(line) as ControlAnswer;
          if ("ok" in answer) resolve(answer.ok);
          else reject(new SignalboxError("FAILED_PRECONDITION", answer.error));
        });
        void closed.then(() => clearTimeout(late));
        socket.write(`${JSON.stringify(request)}\n`);
      }),
  };
}
