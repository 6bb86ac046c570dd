// Ids and names in key columns. A database's text is UTF-8: NUL ends it for much of SQLite's machinery and cannot be in
// PostgreSQL's, and a lone surrogate has no UTF-8 at all; so these are escaped, such that order by code points and prefixes
// stay what they were.

// oxlint-disable-next-line no-control-regex -- control characters are what is escaped
const NEEDS_ESCAPE = /[\0\x01\uD7FF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;
// oxlint-disable-next-line no-control-regex -- as above
const ESCAPED = /\x01([\x01\x02])|\uD7FF(?:\x02|\x03([0-9a-f]{4}))/g;

// oxlint-disable-next-line no-control-regex -- as above
const PLAIN = /^[\x02-\u07ff]*$/;

export function escapeKey(key: string): string {
  if (PLAIN.test(key)) return key;
  return key.replace(NEEDS_ESCAPE, (unit) => {
    if (unit === "\0") return "\x01\x01";
    if (unit === "\x01") return "\x01\x02";
    return unit === "\uD7FF" ? "\uD7FF\x02" : `\uD7FF\x03${unit.charCodeAt(0).toString(16)}`;
  });
}

export function unescapeKey(text: string): string {
  if (!text.includes("\x01") && !text.includes("\uD7FF")) return text;
  return text.replace(ESCAPED, (_all, low: string | undefined, unit: string | undefined) => {
    if (low !== undefined) return low === "\x01" ? "\0" : "\x01";
    return unit === undefined ? "\uD7FF" : String.fromCharCode(Number.parseInt(unit, 16));
  });
}

/** A prefix of `escapeKey(key)` for every key that begins with `prefix`: half of a pair at its end says nothing yet. */
export function escapePrefix(prefix: string): string {
  return escapeKey(/[\uD800-\uDBFF]$/.test(prefix) ? prefix.slice(0, -1) : prefix);
}
