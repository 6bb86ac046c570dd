// A whole match of a problem matcher -> annotation. A file that is not there, or not in the workspace, is left out; the
// annotation stays.

import { dirname, isAbsolute, resolve } from "node:path";
import type { Annotation } from "../../model/host-port.ts";
import { type AnnotationLevel, insideWorkspace, positiveInteger, truncate } from "./annotation.ts";
import type { ProblemMatch } from "./problem-matchers.ts";

const LEVELS: { readonly [severity: string]: AnnotationLevel } = { "": "failure", error: "failure", warning: "warning", notice: "notice" };

/** Undefined: it has no message, or a severity that is none. */
export function problemAnnotation(
  match: ProblemMatch,
  workspace: string,
  fileExists: (path: string) => boolean,
  mask: (text: string) => string,
): Annotation | undefined {
  const level = LEVELS[(match.severity ?? "").toLowerCase()];
  const message = match.message ?? "";
  if (level === undefined || message.trim() === "") return undefined;
  const file = locate(match, workspace, fileExists);
  const line = positiveInteger(match.line);
  const column = positiveInteger(match.column);
  const code = match.code?.trim();
  return {
    level,
    message: truncate(mask(message)),
    ...(code ? { title: mask(code) } : {}),
    ...(file === undefined ? {} : { file: mask(file) }),
    ...(line === undefined ? {} : { line }),
    ...(line === undefined || column === undefined ? {} : { column }),
  };
}

function locate(match: ProblemMatch, workspace: string, fileExists: (path: string) => boolean): string | undefined {
  const named = match.file?.trim() ? match.file : undefined;
  if (named === undefined) return undefined;
  const base = match.fromPath?.trim() && !isAbsolute(named) ? dirname(match.fromPath) : ".";
  const path = resolve(workspace, base, named);
  return fileExists(path) ? insideWorkspace(path, workspace) : undefined;
}
