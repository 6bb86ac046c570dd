// The messages of a thread that are worth a short wait. A sequential orchestration sends its next commit some microseconds
// after the answer to the last one, and to put a thread to sleep and wake it again takes longer than that. So a thread to
// which messages come in quick succession looks at its port a little longer; one to which they come seldom sleeps at once.

import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";

/** What came within this time of the answer before, its wake included, says that the next is waited for. */
const SOON_MS = 0.06;
/** How long it is waited for: somewhat more than a short turn takes. */
const LINGER_MS = 0.025;

export function receive<Message>(port: MessagePort, take: (message: Message) => void): void {
  let restedAt = Number.NEGATIVE_INFINITY;
  port.on("message", (message: Message) => {
    const cameSoon = performance.now() - restedAt < SOON_MS;
    take(message);
    if (cameSoon) for (let next = linger<Message>(port); next !== undefined; next = linger<Message>(port)) take(next);
    restedAt = performance.now();
  });
}

function linger<Message>(port: MessagePort): Message | undefined {
  const until = performance.now() + LINGER_MS;
  do {
    // Typed where it is sent, like the messages that come as events.
    const received: { readonly message: Message } | undefined = receiveMessageOnPort(port);
    if (received !== undefined) return received.message;
  } while (performance.now() < until);
  return undefined;
}
