// The commands of the Durable Task server. What they stand on is large, so they are a bundle of their own that the others never
// load. Their errors are told here: the class of errors that a bundle knows is its own.

import type { CommandContext } from "./command-context.ts";
import {
  purgeInstances,
  raiseEvent,
  restartInstances,
  resumeInstances,
  rewindInstances,
  suspendInstances,
  terminateInstances,
} from "./commands/instances-change.ts";
import { listInstances, showHistory, showInstance } from "./commands/instances-look.ts";
import { serve } from "./commands/serve.ts";
import { reportError } from "./exit-codes.ts";

type Run<Given extends readonly unknown[]> = (...given: [...Given, CommandContext]) => Promise<number>;

function told<Given extends readonly unknown[]>(run: Run<Given>): Run<Given> {
  return async (...given) => {
    try {
      return await run(...given);
    } catch (error) {
      return reportError(error, given.at(-1) as CommandContext); // The last parameter of every one.
    }
  };
}

export const serverCommands = {
  serve: told(serve),
  listInstances: told(listInstances),
  showInstance: told(showInstance),
  showHistory: told(showHistory),
  raiseEvent: told(raiseEvent),
  suspendInstances: told(suspendInstances),
  resumeInstances: told(resumeInstances),
  terminateInstances: told(terminateInstances),
  purgeInstances: told(purgeInstances),
  restartInstances: told(restartInstances),
  rewindInstances: told(rewindInstances),
};

export type ServerCommands = typeof serverCommands;
