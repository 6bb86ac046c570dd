// What PostgreSQL's error codes mean for the store: https://www.postgresql.org/docs/current/errcodes-appendix.html.

import { SignalboxError } from "../../model/errors.ts";

/** What follows from an error of a batch. */
export type Verdict =
  /** Another node was in the way: the batch is computed again. */
  | "repeat"
  /** The node's row is not as the batch expects: it landed before, or the node is dead. */
  | "fenced"
  /** The connection is gone, and with it the knowledge whether the batch landed. */
  | "lost"
  /** The store cannot be used any more. */
  | "broken"
  /** The batch is at fault. */
  | "refused";

const REPEATABLE = new Set(["40001", "40P01", "55P03", "SB002"]);
/** By the name of the unique index: two nodes created the same thing at once. */
const RACED_INDEXES = new Set(["instances_by_key", "deliveries_pkey", "blob_uses_pkey"]);
/** Sessions that a server ends: shutdown, crash recovery, a transaction that stood still. */
const ENDED_SESSION = new Set(["57P01", "57P02", "57P03", "57P05", "25P03", "25P04"]);

export function verdictOf(error: unknown): Verdict {
  if (error instanceof SignalboxError) return error.code === "STORE_IO" ? "broken" : "refused";
  const code = sqlState(error);
  if (code === undefined) return error instanceof Error && isOfConnection(error) ? "lost" : "refused";
  if (REPEATABLE.has(code)) return "repeat";
  if (code === "SB001") return "fenced";
  if (code === "23505") return RACED_INDEXES.has(constraintOf(error)) ? "repeat" : "refused";
  if (ENDED_SESSION.has(code) || code.startsWith("08")) return "lost";
  return isBroken(code) ? "broken" : "refused";
}

export function fromPostgresError(error: unknown, place: string): SignalboxError {
  if (error instanceof SignalboxError) return error;
  const text = error instanceof Error ? error.message || String((error as { readonly code?: unknown }).code) : String(error);
  const code = sqlState(error);
  const because = code === undefined ? text : `${text} (PostgreSQL ${code})`;
  if (code === "XX001" || code === "XX002") {
    const message = `The store ${place} is damaged: ${because}. Check the server's log and disk, and restore a copy.`;
    return new SignalboxError("STORE_CORRUPT", message, { cause: error });
  }
  if (code?.startsWith("54") === true) {
    const message = `A value is larger than a row of the store can be: ${because}. Keep large data in files.`;
    return new SignalboxError("LIMIT_EXCEEDED", message, { cause: error });
  }
  if (verdictOf(error) === "refused") {
    return new SignalboxError("STORE_REFUSED", `The store refused a batch for what is in it: ${because}.`, { cause: error });
  }
  const advice = code === "53100" ? "Free space on its disk, then start again" : "Check the server, then start again";
  const message = `The store ${place} cannot be read or written: ${because}. ${advice}: nothing that was acknowledged is lost.`;
  return new SignalboxError("STORE_IO", message, { cause: error });
}

/** Of the server, not of what is in the batch: resources, operator, disk, damage, rights, a server that only reads. */
function isBroken(code: string): boolean {
  return /^(?:53|57|58|XX|F0)/.test(code) || ["25006", "42501", "3D000", "3F000", "42P01"].includes(code);
}

/** Of the server; errors of a socket have names of the system in the same field. */
export function sqlState(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code) ? code : undefined;
}

function constraintOf(error: unknown): string {
  const name = error instanceof Error && "constraint" in error ? error.constraint : undefined;
  return typeof name === "string" ? name : "";
}

/** Of a socket, by the system's name for it, or of the client, which has none for a connection that ended. */
function isOfConnection(error: Error): boolean {
  const isOfSystem = "code" in error && typeof error.code === "string" && /^E[A-Z]+/.test(error.code);
  return isOfSystem || /connection|not queryable|timeout expired/i.test(error.message);
}
