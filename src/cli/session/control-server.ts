// The socket on which a live run can be reached. A follower that does not read is cut off when it falls too far behind: it
// finds what it missed in the event stream's file, and nobody else waits for it (E10).

import { rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { type ControlAnswer, type ControlHandlers, parseRequest } from "./control-protocol.ts";
import { fileError } from "./file-errors.ts";
import { LineSplitter } from "./split-lines.ts";

const MAX_REQUEST_CHARACTERS = 64 * 1024;
const MAX_BEHIND_BYTES = 16 * 1024 * 1024;

export class ControlServer implements AsyncDisposable {
  readonly path: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #handlers: ControlHandlers;

  private constructor(path: string, handlers: ControlHandlers) {
    this.path = path;
    this.#handlers = handlers;
    this.#server = createServer((socket) => this.#serve(socket));
    // A run ends when its work has ended, not when nobody asks about it any more.
    this.#server.unref();
  }

  static listen(path: string, handlers: ControlHandlers): Promise<ControlServer> {
    const control = new ControlServer(path, handlers);
    return new Promise((resolve, reject) => {
      control.#server.once("error", (error) =>
        reject(fileError(`The control socket ${path} cannot be opened`, error, "Set XDG_RUNTIME_DIR to a writable folder.")),
      );
      // The run's lock is ours, so a socket of that name is a dead process's.
      rmSync(path, { force: true });
      control.#server.listen(path, () => resolve(control));
    });
  }

  /** Followers get what was written for them; then everybody hears that the run is no longer here. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) {
      socket.end();
      // Whoever does not read to the end is not waited for.
      setTimeout(() => socket.destroy(), 1_000).unref();
    }
    await closed;
    rmSync(this.path, { force: true });
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.unref();
    socket.setEncoding("utf8");
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
    const splitter = new LineSplitter((line) => void this.#answer(socket, line));
    socket.on("data", (text: string) => {
      splitter.push(text);
      if (splitter.waiting > MAX_REQUEST_CHARACTERS) socket.destroy();
    });
  }

  async #answer(socket: Socket, line: string): Promise<void> {
    const request = parseRequest(line);
    try {
      if (request === undefined) return send(socket, { error: "not a request" });
      switch (request.op) {
        case "ping":
          return send(socket, { ok: this.#handlers.ping() });
        case "cancel":
          await this.#handlers.cancel(request.reason, request.holder);
          return send(socket, { ok: true });
        case "view":
          return send(socket, { ok: this.#handlers.view() });
        case "hint":
          this.#handlers.hint();
          return send(socket, { ok: true });
        case "watch":
          return send(socket, { ok: true });
        case "follow":
          return this.#follow(socket);
        default:
          request satisfies never;
      }
    } catch (error) {
      send(socket, { error: error instanceof Error ? error.message : String(error) });
    }
  }

  #follow(socket: Socket): void {
    const { nextSeq, stop } = this.#handlers.follow((event) => {
      if (socket.writableLength > MAX_BEHIND_BYTES) socket.destroy();
      else if (socket.writable) socket.write(`${JSON.stringify(event)}\n`);
    });
    socket.once("close", stop);
    send(socket, { ok: nextSeq });
  }
}

function send(socket: Socket, answer: ControlAnswer): void {
  if (socket.writable) socket.write(`${JSON.stringify(answer)}\n`);
}
