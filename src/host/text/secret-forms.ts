// The forms in which a secret may be printed: as it is, by line, and as tools encode it. No form contains a line break,
// because each line of a secret is a secret: so a mask never spans lines, and a line's end always flushes.
//
// As on GitHub a value or line of any length is masked if it is not blank; encoded forms only when they are long enough
// not to hit half of every log.

const MIN_ENCODED = 3;
const MIN_BASE64 = 4;
/** Where `base64` (76) and PEM writers (64) break their lines. */
const BASE64_WIDTHS = [76, 64];

export function secretForms(value: string): ReadonlySet<string> {
  const forms = new Set<string>();
  for (const secret of secretParts(value)) {
    forms.add(secret);
    for (const form of encodedForms(secret)) addIfLong(forms, form, MIN_ENCODED);
    for (const form of base64Forms(secret)) addIfLong(forms, form, MIN_BASE64);
  }
  if (/[\r\n]/.test(value)) {
    // The whole value on one line, as JSON, a URL or base64 write it.
    for (const form of encodedForms(value)) addIfLong(forms, form, MIN_ENCODED);
    for (const form of base64Forms(value)) addIfLong(forms, form, MIN_BASE64);
  }
  return forms;
}

/** The lines of a secret, also without the blanks around them and without surrounding quotes, which shells strip. */
function secretParts(value: string): ReadonlySet<string> {
  const parts = new Set<string>();
  for (const line of value.split(/[\r\n]+/)) {
    const bare = line.trim();
    if (bare === "") continue;
    parts.add(line).add(bare);
    const quoted = /^(["'])(.+)\1$/.exec(bare)?.[2];
    if (quoted !== undefined && quoted.trim() !== "") parts.add(quoted);
  }
  return parts;
}

function addIfLong(forms: Set<string>, form: string, minimum: number): void {
  if (form.length >= minimum && !/[\r\n]/.test(form)) forms.add(form);
}

function* encodedForms(secret: string): Iterable<string> {
  yield* percentForms(secret);
  yield* jsonForms(secret);
  yield* xmlForms(secret);
  yield* shellForms(secret);
}

const UNRESERVED = [/[A-Za-z0-9\-_.~]/, /[A-Za-z0-9\-_.!~*'()]/, /[A-Za-z0-9\-_.!~*'();/?:@&=+$,#]/, /[A-Za-z0-9\-_.~/]/];

function* percentForms(secret: string): Iterable<string> {
  for (const unreserved of UNRESERVED) {
    const upper = percentEncode(secret, unreserved);
    yield upper;
    yield upper.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  }
  // application/x-www-form-urlencoded
  const form = percentEncode(secret, /[A-Za-z0-9\-_.* ]/).replaceAll(" ", "+");
  yield form;
  yield form.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  // The escapes of a workflow command's data, for a command that is shown.
  yield secret.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function percentEncode(text: string, unreserved: RegExp): string {
  let encoded = "";
  for (const byte of Buffer.from(text)) {
    const character = String.fromCharCode(byte);
    encoded += byte < 128 && unreserved.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

function* jsonForms(secret: string): Iterable<string> {
  const plain = JSON.stringify(secret).slice(1, -1);
  yield plain;
  yield plain.replaceAll("/", "\\/");
  // A JSON text within a JSON text.
  yield JSON.stringify(plain).slice(1, -1);
  for (const upper of [false, true]) {
    yield unicodeEscapes(plain, /[\u007f-\uffff]/g, upper);
    yield unicodeEscapes(plain, /[<>&\u2028\u2029]/g, upper);
    // oxlint-disable-next-line no-control-regex -- control characters are what is escaped
    yield unicodeEscapes(secret, /["'<>&+`\u0000-\u001f\u007f-\uffff]/g, upper);
  }
}

function unicodeEscapes(text: string, set: RegExp, upper: boolean): string {
  return text.replace(set, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, "0");
    return `\\u${upper ? code.toUpperCase() : code}`;
  });
}

function* xmlForms(secret: string): Iterable<string> {
  const text = secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  yield text;
  for (const quote of ["&quot;", "&#34;", "&#x22;"]) {
    const quoted = text.replaceAll('"', quote);
    yield quoted;
    for (const apostrophe of ["&apos;", "&#39;", "&#x27;", "&#039;"]) yield quoted.replaceAll("'", apostrophe);
  }
  yield text.replaceAll('"', "&quot;").replaceAll("\r", "&#13;").replaceAll("\n", "&#10;").replaceAll("\t", "&#9;");
  yield text.replaceAll('"', "&quot;").replaceAll("\r", "&#xD;").replaceAll("\n", "&#xA;").replaceAll("\t", "&#x9;");
}

function* shellForms(secret: string): Iterable<string> {
  yield secret.replaceAll("'", "'\\''");
  yield secret.replaceAll("'", `'"'"'`);
  yield secret.replaceAll("'", "''");
  yield secret.replaceAll('"', '\\"');
  yield secret.replace(/["\\$`]/g, "\\$&");
  yield secret.replace(/["\\$`!]/g, "\\$&");
  // printf %q, then $'...', as bash prints what contains control characters.
  yield secret.replace(/[ \t'"\\|&;()<>!{}*[\]?^$`,#~]/g, "\\$&");
  yield secret.replace(/[ \t'"\\|&;()<>!{}*[\]?^$`,]/g, "\\$&");
  yield secret.replace(/['\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t");
}

/**
 * What is certain of a secret inside any base64 text: the characters that depend on the secret's bytes alone, for each of
 * three alignments; and as a text's end, where padding makes the last character certain too.
 */
function* base64Forms(secret: string): Iterable<string> {
  const bytes = Buffer.from(secret);
  for (let shift = 0; shift < 3; shift++) {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
    const first = Math.ceil((shift * 8) / 6);
    const certain = encoded.slice(first, Math.floor(((shift + bytes.length) * 8) / 6));
    yield* alphabets(certain);
    const end = encoded.slice(first);
    if (certain.length >= MIN_BASE64) {
      yield* alphabets(end);
      yield* alphabets(end.replace(/=+$/, ""));
    }
    if (shift === 0) for (const width of BASE64_WIDTHS) yield* wrapped(certain, width);
  }
}

function* wrapped(encoded: string, width: number): Iterable<string> {
  if (encoded.length <= width) return;
  for (let start = 0; start < encoded.length; start += width) yield encoded.slice(start, start + width);
}

function* alphabets(encoded: string): Iterable<string> {
  yield encoded;
  yield encoded.replaceAll("+", "-").replaceAll("/", "_");
}
