// A secrets file: lines `NAME=value`, `export ` before the name allowed. A value in quotes (', " or `) may have several
// lines, and between double quotes `\n` is a line break; a value without quotes is the rest of its line up to a comment,
// which has a blank before its `#`. What is none of this is refused: a secret that was cut or left out in silence would be
// used, and not masked. Messages name the line and never show what stands there.

export class SecretsFileError extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** Throws SecretsFileError at the first line that means nothing. */
export function parseSecrets(text: string): { readonly [name: string]: string } {
  const secrets: { [name: string]: string } = {};
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    if (/^\s*(#|$)/.test(line)) continue;
    const [, name, value] = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      throw new SecretsFileError(at + 1, "is no NAME=value. A name has letters, digits and '_', and does not begin with a digit");
    }
    const quote = /^["'`]/.exec(value)?.[0];
    if (quote === undefined) {
      secrets[name] = value.replace(/(^|\s)#.*$/, "").trimEnd();
      continue;
    }
    const quoted = quotedText(value.slice(1), quote, lines, at);
    secrets[name] = quote === '"' ? quoted.text.replaceAll("\\n", "\n") : quoted.text;
    at = quoted.last;
  }
  return secrets;
}

/** What stands before the closing quote, on this line or a later one; behind it only a comment may follow. */
function quotedText(first: string, quote: string, lines: readonly string[], at: number): { readonly text: string; readonly last: number } {
  let text = first;
  for (let last = at; ; last += 1) {
    const end = text.indexOf(quote);
    if (end !== -1) {
      if (!/^\s*(#.*)?$/.test(text.slice(end + 1))) throw new SecretsFileError(last + 1, `goes on behind the closing ${quote}`);
      return { text: text.slice(0, end), last };
    }
    const next = lines[last + 1];
    if (next === undefined) throw new SecretsFileError(at + 1, `opens a ${quote} that is never closed`);
    text += `\n${next}`;
  }
}
