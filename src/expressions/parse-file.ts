// A YAML file of GitHub's, checked against GitHub's own schema, as serialised tokens. The package's texts are kept; its
// prefixes (`file (Line: 3, Col: 5): `) become positions.

import type { TemplateSchema } from "@actions/workflow-parser/templates/schema/template-schema";
import type { TemplateToken as OfficialToken } from "@actions/workflow-parser/templates/tokens/template-token";
import type { Diagnostic } from "../model/plan.ts";
import type { SourcePosition, TemplateToken } from "../model/template.ts";
import { lazySchema } from "./lazy-schema.ts";
import { loadParsing, type ParsingPackage } from "./official-packages.ts";
import { parserMessage } from "./parse-expression.ts";
import { serialiseToken } from "./serialise-token.ts";
import { YamlReader } from "./yaml-reader.ts";

/** GitHub's limit for a workflow file. Callers that read from disk look at the size before they read. */
export const MAX_FILE_BYTES = 1024 * 1024;

export interface SourceFile {
  /** As shown to people. */
  readonly file: string;
  readonly text: string | Uint8Array;
}

export interface ParsedFile {
  /** Absent when the file could not be read as a mapping at all. */
  readonly root?: TemplateToken;
  readonly diagnostics: readonly Diagnostic[];
}

export async function parseWorkflowFile(source: SourceFile): Promise<ParsedFile> {
  const parsing = await loadParsing();
  return parse(parsing, lazySchema(parsing, parsing.workflowSchema), "workflow-root-strict", source);
}

/** As lenient as the runner is with what it does not use, such as a missing description. */
export async function parseActionTokens(source: SourceFile): Promise<ParsedFile> {
  const [parsing, { actionSchema }] = await Promise.all([loadParsing(), import("./action-schema.ts")]);
  return parse(parsing, lazySchema(parsing, actionSchema), "action-root", source);
}

function parse(parsing: ParsingPackage, schema: TemplateSchema, rootType: string, source: SourceFile): ParsedFile {
  const { file } = source;
  const refused = (message: string, at?: SourcePosition): ParsedFile => ({
    diagnostics: [{ severity: "error", file, message, ...(at && { at }) }],
  });
  const decoded = decode(source.text);
  if (decoded.text === undefined) return refused(decoded.problem);

  const diagnostics: Diagnostic[] = [];
  const silent = { info: () => {}, verbose: () => {}, error: () => {} };
  const context = new parsing.TemplateContext(new parsing.TemplateValidationErrors(), schema, silent);
  context.state["featureFlags"] = new parsing.FeatureFlags({ allowBackgroundSteps: true, allowCaseFunction: true });
  const fileId = context.getFileId(file);
  const reader = new YamlReader(parsing, fileId, decoded.text);
  if (reader.errors.length > 0) {
    return { diagnostics: reader.errors.map((error) => ({ severity: "error", file, ...error })) };
  }
  context.error = (token: OfficialToken | number | undefined, error: unknown, range?: { readonly start: SourcePosition }) => {
    const at = errorPosition(reader, token, range?.start);
    diagnostics.push({ severity: "error", file, message: parserMessage(error), ...(at && { at }) });
  };
  // The reader's declared return type hides that an unreadable root gives undefined.
  const root: OfficialToken | undefined = parsing.readTemplate(context, rootType, reader, fileId);
  if (root === undefined) return diagnostics.length > 0 ? { diagnostics } : refused("The file is empty.");
  return { root: serialiseToken(parsing, root, context), diagnostics };
}

/** An expression inside a text of several lines is found by line; only block literals keep their lines. */
function errorPosition(reader: YamlReader, token: OfficialToken | number | undefined, start: SourcePosition | undefined) {
  if (typeof token !== "object") return start;
  const own = token.range;
  if (start === undefined || own === undefined) return start ?? own?.start;
  if (own.start.line === own.end.line || start === own.start) return start;
  const indent = reader.indentOf(token);
  return indent === 0 ? own.start : { line: start.line, column: start.column + indent };
}

function decode(text: string | Uint8Array): { readonly text: string } | { readonly text: undefined; readonly problem: string } {
  const size = typeof text === "string" ? text.length : text.byteLength;
  if (size > MAX_FILE_BYTES) {
    const problem = `The file is too large: ${size} bytes; at most ${MAX_FILE_BYTES} (1 MiB) are allowed.`;
    return { text: undefined, problem };
  }
  let decoded: string;
  try {
    decoded = typeof text === "string" ? text : new TextDecoder("utf-8", { fatal: true }).decode(text);
  } catch {
    return { text: undefined, problem: "The file is not UTF-8 text." };
  }
  if (decoded.includes("\0")) return { text: undefined, problem: "The file is binary: it contains a NUL byte." };
  return { text: decoded.startsWith("\uFEFF") ? decoded.slice(1) : decoded };
}
