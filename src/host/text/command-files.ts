// The texts of GITHUB_OUTPUT, GITHUB_ENV, GITHUB_STATE and GITHUB_PATH. Errors are GitHub's, word for word. A line ends
// with LF alone: a CR belongs to the value.

export interface FileEntry {
  readonly name: string;
  readonly value: string;
}

/** What a step wrote cannot be read; the message is for people and may contain what must be masked. */
export class CommandFileError extends Error {
  override readonly name = "CommandFileError";
}

/** Names as in "Unable to process file command 'env' successfully." */
export type FileCommand = "output" | "env" | "path" | "state" | "step_summary";

export function fileCommandFailed(command: FileCommand): string {
  return `Unable to process file command '${command}' successfully.`;
}

export function parseEntries(text: string): readonly FileEntry[] {
  const entries: FileEntry[] = [];
  const lines = new LineReader(text);
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    if (line === "") continue;
    const equals = line.indexOf("=");
    const heredoc = line.indexOf("<<");
    if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
      if (equals === 0) throw new CommandFileError(`Invalid format '${line}'. Name must not be empty`);
      entries.push({ name: line.slice(0, equals), value: line.slice(equals + 1) });
    } else if (heredoc >= 0) {
      const name = line.slice(0, heredoc);
      const delimiter = line.slice(heredoc + 2);
      if (name === "" || delimiter === "") {
        throw new CommandFileError(`Invalid format '${line}'. Name must not be empty and delimiter must not be empty`);
      }
      entries.push({ name, value: lines.until(delimiter) });
    } else throw new CommandFileError(`Invalid format '${line}'`);
  }
  return entries;
}

/** GITHUB_ENV: what steps may not set is refused (NODE_OPTIONS) or left out (what the contexts give). */
export function parseEnvironment(text: string): { readonly entries: readonly FileEntry[]; readonly ignored: readonly string[] } {
  const entries: FileEntry[] = [];
  const ignored: string[] = [];
  for (const entry of parseEntries(text)) {
    if (entry.name.toUpperCase() === "NODE_OPTIONS") {
      throw new CommandFileError("Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.");
    }
    if (entry.name.includes("\0") || entry.value.includes("\0") || entry.name.includes("=")) {
      throw new CommandFileError(
        `Invalid environment variable '${entry.name.replaceAll("\0", "\\0")}': names and values must not contain NUL.`,
      );
    }
    if (isReservedVariable(entry.name)) ignored.push(entry.name);
    else entries.push(entry);
  }
  return { entries, ignored };
}

function isReservedVariable(name: string): boolean {
  return /^(GITHUB|RUNNER)_/i.test(name);
}

/** GITHUB_PATH: one folder a line, in order of writing; later ones go in front when they are applied. */
export function parsePath(text: string): readonly string[] {
  const folders: string[] = [];
  for (const line of text.split(/\r\n|\n|\r/)) {
    if (line === "") continue;
    if (line.includes("\0")) throw new CommandFileError("Invalid path: a folder's name must not contain NUL.");
    const known = folders.indexOf(line);
    if (known >= 0) folders.splice(known, 1);
    folders.push(line);
  }
  return folders;
}

export const SUMMARY_LIMIT = 1024 * 1024;

export function summaryTooLarge(bytes: number): string {
  return `$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of ${SUMMARY_LIMIT / 1024}k, got ${Math.ceil(bytes / 1024)}k.`;
}

class LineReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  next(): string | undefined {
    if (this.#at >= this.#text.length) return undefined;
    const end = this.#text.indexOf("\n", this.#at);
    const line = end < 0 ? this.#text.slice(this.#at) : this.#text.slice(this.#at, end);
    this.#at = end < 0 ? this.#text.length : end + 1;
    return line;
  }

  /** The value up to the line that is the delimiter, without the line break before it. */
  until(delimiter: string): string {
    const start = this.#at;
    let end = start;
    for (let line = this.next(); line !== delimiter; line = this.next()) {
      if (line === undefined) throw new CommandFileError(`Invalid value. Matching delimiter not found '${delimiter}'`);
      if (!this.#text.endsWith("\n", this.#at)) throw new CommandFileError("Invalid value. EOF marker missing new line.");
      end = this.#at - 1;
    }
    return end > start ? this.#text.slice(start, end) : "";
  }
}
