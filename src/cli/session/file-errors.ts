import { isSignalboxError, SignalboxError } from "../../model/errors.ts";

/** What the system's words for a failed file operation mean for a person. */
const MEANING: { readonly [code: string]: string } = {
  EACCES: "permission denied",
  EPERM: "the system does not permit it",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would be larger than the system allows",
  ENOTDIR: "something on the way there is a file and not a folder",
  EISDIR: "a folder is in its place",
  EEXIST: "something else is in its place",
  ENOENT: "it is not there",
  ENAMETOOLONG: "the path is too long",
  EMFILE: "too many open files",
  ELOOP: "too many symbolic links",
};

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

/** An error for people from a file operation that failed; `remedy` says what to do. */
export function fileError(what: string, cause: unknown, remedy: string): SignalboxError {
  if (isSignalboxError(cause)) return cause;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const reason = MEANING[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new SignalboxError("STORE_IO", `${what}: ${reason}. ${remedy}`, { cause });
}

/** Carries out a file operation; what it throws becomes an error for people. */
export function guardFile<Result>(what: string, remedy: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw fileError(what, error, remedy);
  }
}
