// The store's thread with a recorder in front of SQLite: every statement that writes, with its values, in order. The file is
// written when the thread ends.

import { writeFileSync } from "node:fs";
import { StatementSync } from "node:sqlite";
import { serialize } from "node:v8";
import { workerData } from "node:worker_threads";
import type { SqliteOptions } from "../../src/store/sqlite/sqlite-database.ts";

const { options } = workerData as { readonly options: SqliteOptions };
const written: (readonly [sql: string, values: readonly unknown[]])[] = [];
const run = StatementSync.prototype.run;
StatementSync.prototype.run = function (this: StatementSync, ...values: Parameters<StatementSync["run"]>) {
  written.push([this.sourceSQL, values]);
  return run.apply(this, values);
} as typeof run;
process.on("exit", () => writeFileSync(`${options.path}.writes`, serialize(written)));
await import("../../src/store/sqlite/store-thread.ts");
