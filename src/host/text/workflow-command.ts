// The two written forms of a workflow command on a line of output: `::name k=v,k2=v2::data`, after blanks only, and the
// older `##[name k=v;k2=v2]data`, anywhere in the line. A name that is not registered is no command but text.

export interface WorkflowCommand {
  readonly name: string;
  /** By name in lower case: `endLine` and `endline` are one. */
  readonly properties: ReadonlyMap<string, string>;
  readonly data: string;
}

const DATA_ESCAPES = [
  ["%0D", "\r"],
  ["%0A", "\n"],
  ["%25", "%"],
] as const;
const PROPERTY_ESCAPES = [
  ["%0D", "\r"],
  ["%0A", "\n"],
  ["%3A", ":"],
  ["%2C", ","],
  ["%25", "%"],
] as const;
const BRACKET_ESCAPES = [
  ["%3B", ";"],
  ["%0D", "\r"],
  ["%0A", "\n"],
  ["%5D", "]"],
  ["%25", "%"],
] as const;

/** `isRegistered` gets the name in lower case. */
export function parseWorkflowCommand(line: string, isRegistered: (name: string) => boolean): WorkflowCommand | undefined {
  return parseColons(line, isRegistered) ?? parseBrackets(line, isRegistered);
}

function parseColons(line: string, isRegistered: (name: string) => boolean): WorkflowCommand | undefined {
  const text = line.trimStart();
  if (!text.startsWith("::")) return undefined;
  const end = text.indexOf("::", 2);
  if (end < 0) return undefined;
  const head = splitHead(text.slice(2, end));
  if (!isRegistered(head.name)) return undefined;
  return {
    name: head.name,
    properties: parseProperties(head.rest.trim(), ",", PROPERTY_ESCAPES),
    data: unescape(text.slice(end + 2), DATA_ESCAPES),
  };
}

function parseBrackets(line: string, isRegistered: (name: string) => boolean): WorkflowCommand | undefined {
  const start = line.indexOf("##[");
  const end = start < 0 ? -1 : line.indexOf("]", start);
  if (end < 0) return undefined;
  const head = splitHead(line.slice(start + 3, end));
  if (!isRegistered(head.name)) return undefined;
  return {
    name: head.name,
    properties: parseProperties(head.rest, ";", BRACKET_ESCAPES),
    data: unescape(line.slice(end + 1), BRACKET_ESCAPES),
  };
}

function splitHead(head: string): { readonly name: string; readonly rest: string } {
  const space = head.indexOf(" ");
  return space < 0 ? { name: head.toLowerCase(), rest: "" } : { name: head.slice(0, space).toLowerCase(), rest: head.slice(space + 1) };
}

type Escapes = readonly (readonly [code: string, character: string])[];

function parseProperties(text: string, separator: string, escapes: Escapes): ReadonlyMap<string, string> {
  const properties = new Map<string, string>();
  for (const part of text.split(separator)) {
    // Empty parts do not count, on GitHub, so that "=a=b" is a=b.
    const pair = part.replace(/^=+/, "");
    const equals = pair.indexOf("=");
    if (equals > 0 && equals < pair.length - 1) {
      properties.set(pair.slice(0, equals).toLowerCase(), unescape(pair.slice(equals + 1), escapes));
    }
  }
  return properties;
}

/** `%25` last, so that an escaped percent sign starts no other escape. */
function unescape(text: string, escapes: Escapes): string {
  return text.includes("%") ? escapes.reduce((result, [code, character]) => result.replaceAll(code, character), text) : text;
}
