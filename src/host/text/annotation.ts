// Annotations from the properties of notice, warning and error commands, with GitHub's rules for lines and columns that
// contradict each other.

import { isAbsolute, relative } from "node:path";
import type { Annotation } from "../../model/host-port.ts";

export type AnnotationLevel = Annotation["level"];

/** As on GitHub; more of a level stand in the log only. */
export const ANNOTATIONS_PER_LEVEL = 10;
const MESSAGE_LIMIT = 4096;

/** `mask` is applied to each text. */
export function commandAnnotation(
  level: AnnotationLevel,
  properties: ReadonlyMap<string, string>,
  message: string,
  workspace: string,
  mask: (text: string) => string,
): Annotation {
  const file = properties.get("file");
  const title = properties.get("title");
  return {
    level,
    message: truncate(mask(message)),
    ...(title ? { title: mask(title) } : {}),
    ...(file ? { file: mask(insideWorkspace(file, workspace) ?? file) } : {}),
    ...places(properties),
  };
}

/** The path relative to the workspace; undefined: it does not lie in it. */
export function insideWorkspace(file: string, workspace: string): string | undefined {
  if (!isAbsolute(file)) return undefined;
  const path = relative(workspace, file);
  return path === "" || path === ".." || path.startsWith("../") ? undefined : path;
}

export function truncate(message: string): string {
  return message.length <= MESSAGE_LIMIT ? message : `${message.slice(0, MESSAGE_LIMIT - 3).toWellFormed()}...`;
}

/** Digits only, as annotations count from 1. */
export function positiveInteger(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text.trim()) ? Number(text) : undefined;
}

function places(properties: ReadonlyMap<string, string>): Pick<Annotation, "line" | "endLine" | "column" | "endColumn"> {
  let endLine = positiveInteger(properties.get("endline"));
  let line = positiveInteger(properties.get("line")) ?? endLine;
  let endColumn = positiveInteger(properties.get("endcolumn"));
  let column = positiveInteger(properties.get("col")) ?? endColumn;
  const columnsFit = line !== undefined && (endLine === undefined || endLine === line) && !isBefore(endColumn, column);
  if (!columnsFit) column = endColumn = undefined;
  if (isBefore(endLine, line)) line = endLine = undefined;
  return {
    ...(line === undefined ? {} : { line }),
    ...(endLine === undefined ? {} : { endLine }),
    ...(column === undefined ? {} : { column }),
    ...(endColumn === undefined ? {} : { endColumn }),
  };
}

function isBefore(end: number | undefined, start: number | undefined): boolean {
  return end !== undefined && start !== undefined && end < start;
}
