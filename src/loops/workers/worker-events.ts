import type { Answer } from "./answer.ts";
import type { TokenSubject } from "./tokens.ts";
import type { Completion, CompletionToken } from "./work-item.ts";
import type { WorkerStream } from "./worker-hub.ts";

/** What comes from workers out of process, through the loop's mailbox. */
export type WorkerEvent =
  | { readonly kind: "StreamOpened"; readonly stream: WorkerStream }
  | { readonly kind: "StreamClosed"; readonly stream: WorkerStream; readonly connectionLives: boolean }
  | { readonly kind: "Disconnected"; readonly connection: object }
  | {
      readonly kind: "ItemAnswered";
      readonly token: CompletionToken;
      readonly subject: TokenSubject;
      readonly completion: Completion;
      readonly answer: Answer;
    }
  | {
      readonly kind: "ItemAbandoned";
      readonly token: CompletionToken;
      readonly subject: TokenSubject;
      /** As the worker tells it. */
      readonly reason?: string;
      readonly answer: Answer;
    };
