// The store's thread with a recorder in front of SQLite: every statement that writes, with its values, in order. The file is
// written when the thread ends.

import { writeFileSync } from "node:fs";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { serialize } from "node:v8";
import { assertFull } from "./assert-full.ts";

let path: string | null = null;
// The store's own connection tells where and how it writes, when it prepares its first transaction.
const prepare = DatabaseSync.prototype.prepare;
DatabaseSync.prototype.prepare = function (this: DatabaseSync, ...parameters) {
  if (parameters[0].startsWith("BEGIN")) {
    assertFull(this, prepare);
    path = this.location();
  }
  return prepare.apply(this, parameters);
};
const written: (readonly [sql: string, values: readonly unknown[]])[] = [];
const run = StatementSync.prototype.run;
StatementSync.prototype.run = function (this: StatementSync, ...values: Parameters<StatementSync["run"]>) {
  written.push([this.sourceSQL, values]);
  return run.apply(this, values);
} as typeof run;
process.on("exit", () => writeFileSync(`${path}.writes`, serialize(written)));
await import("../../src/store/sqlite/store-thread.ts");
