// Problem matcher files: JSON that a step registers with add-matcher. Errors say what GitHub says, after the file's name.

export interface MatcherPattern {
  readonly regexp: RegExp;
  readonly loop: boolean;
  /** Groups of the expression by property. */
  readonly groups: { readonly [property in MatcherProperty]?: number };
}

export const MATCHER_PROPERTIES = ["file", "line", "column", "severity", "code", "message", "fromPath"] as const;
export type MatcherProperty = (typeof MATCHER_PROPERTIES)[number];

export interface MatcherConfig {
  readonly owner: string;
  readonly severity: string;
  readonly patterns: readonly MatcherPattern[];
}

class MatcherFileError extends Error {
  override readonly name = "MatcherFileError";
}

export function parseMatcherFile(text: string, file: string): readonly MatcherConfig[] {
  try {
    const root = parseJson(text);
    const list = root["problemMatcher"] ?? [];
    if (!Array.isArray(list)) throw new MatcherFileError("'problemMatcher' must be a list");
    const configs = list.map((entry: unknown) => parseMatcher(asObject(entry, "A matcher")));
    const owners = new Set<string>();
    for (const { owner } of configs) {
      if (owners.has(owner.toLowerCase())) throw new MatcherFileError(`Duplicate owner name '${owner}'`);
      owners.add(owner.toLowerCase());
    }
    return configs;
  } catch (error) {
    if (error instanceof MatcherFileError) throw new MatcherFileError(`Problem matcher file '${file}': ${error.message}`);
    throw error;
  }
}

function parseJson(text: string): { readonly [key: string]: unknown } {
  try {
    return asObject(JSON.parse(text.replace(/^\ufeff/, "")), "The file");
  } catch (error) {
    if (error instanceof SyntaxError) throw new MatcherFileError(`it is not valid JSON: ${error.message}`);
    throw error;
  }
}

function asObject(value: unknown, what: string): { readonly [key: string]: unknown } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new MatcherFileError(`${what} must be an object`);
  return Object.fromEntries(Object.entries(value));
}

function parseMatcher(entry: { readonly [key: string]: unknown }): MatcherConfig {
  const owner = optionalText(entry, "owner");
  if (owner === "") throw new MatcherFileError("Owner must not be empty");
  const severity = optionalText(entry, "severity");
  if (!["", "error", "warning", "notice"].includes(severity.toLowerCase())) {
    throw new MatcherFileError(`Matcher '${owner}' contains unexpected default severity '${severity}'`);
  }
  const list = entry["pattern"];
  if (!Array.isArray(list) || list.length === 0) throw new MatcherFileError(`Matcher '${owner}' does not contain any patterns`);
  const seen = new Set<MatcherProperty>();
  const patterns = list.map((pattern: unknown, index) => parsePattern(asObject(pattern, "A pattern"), index, list.length, seen));
  if (!seen.has("message")) throw new MatcherFileError("At least one pattern must set 'message'");
  return { owner, severity, patterns };
}

function parsePattern(
  entry: { readonly [key: string]: unknown },
  index: number,
  count: number,
  seen: Set<MatcherProperty>,
): MatcherPattern {
  const loop = entry["loop"] === true;
  if (loop && (index === 0 || index < count - 1)) throw new MatcherFileError("Only the last pattern in a multiline matcher may set 'loop'");
  if (loop && entry["message"] === undefined) throw new MatcherFileError("The loop pattern must set 'message'");
  const source = optionalText(entry, "regexp");
  const regexp = compile(source);
  const groupCount = compile(`${source}|`).exec("")?.length ?? 1;
  const groups: { [property in MatcherProperty]?: number } = {};
  for (const property of MATCHER_PROPERTIES) {
    const group = entry[property];
    if (group === undefined || group === null) continue;
    if (seen.has(property)) throw new MatcherFileError(`The property '${property}' is set twice`);
    if (typeof group !== "number" || !Number.isInteger(group) || group < 0 || group >= groupCount) {
      throw new MatcherFileError(`The property '${property}' is set to ${JSON.stringify(group)}, which is out of range`);
    }
    seen.add(property);
    groups[property] = group;
  }
  return { regexp, loop, groups };
}

function compile(source: string): RegExp {
  try {
    return new RegExp(source);
  } catch (error) {
    throw new MatcherFileError(`'regexp' is not a regular expression: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function optionalText(entry: { readonly [key: string]: unknown }, key: string): string {
  const value = entry[key] ?? "";
  if (typeof value !== "string") throw new MatcherFileError(`'${key}' must be a text`);
  return value;
}
