// GitHub's filter patterns for branches, tags and paths:
//   *   any characters but a slash          **   any characters
//   ?   the character before it, or none    +    the character before it, once or more
//   []  one of the listed characters        !    in front: what matched before does not match after all
//   \   the next character as it is
// In a list the last pattern that matches decides.

export function matchesFilter(patterns: readonly string[], name: string): boolean {
  let matched = false;
  for (const pattern of patterns) {
    const isNegated = pattern.startsWith("!");
    if (filterRegExp(isNegated ? pattern.slice(1) : pattern).test(name)) matched = !isNegated;
  }
  return matched;
}

/** Why a pattern cannot be used; undefined if it can. */
export function filterPatternProblem(pattern: string): string | undefined {
  try {
    filterRegExp(pattern.replace(/^!/, ""));
    return undefined;
  } catch {
    return `The pattern '${pattern}' is invalid: '?' and '+' need a character before them, and '[' a closing ']'.`;
  }
}

function filterRegExp(pattern: string): RegExp {
  let source = "";
  for (let index = 0; index < pattern.length; ) {
    const rest = pattern.slice(index);
    const [token, text] = nextToken(rest, index === 0 || pattern[index - 1] === "/");
    source += text;
    index += token;
  }
  return new RegExp(`^${source}$`, "u");
}

/** How many characters the next piece takes, and what it means. */
function nextToken(rest: string, atSegmentStart: boolean): readonly [number, string] {
  if (rest.startsWith("**/") && atSegmentStart) return [3, "(?:.*/)?"];
  if (rest.startsWith("**")) return [/^\*+/.exec(rest)?.[0].length ?? 2, ".*"];
  if (rest.startsWith("*")) return [1, "[^/]*"];
  if (rest.startsWith("\\") && rest.length > 1) return [2, literal(rest.charAt(1))];
  if (rest.startsWith("[")) {
    const set = /^\[([^\]]+)\]/.exec(rest);
    if (set === null) throw new SyntaxError("unclosed [");
    return [set[0].length, `[${(set[1] ?? "").replace(/[\\^[&~|]/g, "\\$&")}]`];
  }
  const character = String.fromCodePoint(rest.codePointAt(0) ?? 0);
  return character === "?" || character === "+" ? [1, character] : [character.length, literal(character)];
}

function literal(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
}
