// Patterns of `hashFiles`, as @actions/glob reads them. Whoever may read files does the walk.

export interface GlobPatterns {
  readonly searchPaths: readonly string[];
  /** Whether a file of that path matches, and whether something below a folder of that path may. */
  readonly matchesFile: (path: string) => boolean;
  readonly mayHoldMatches: (path: string) => boolean;
}

/** Each text may hold several lines; relative patterns begin at `root`. */
export async function parseGlobPatterns(texts: readonly string[], root: string): Promise<GlobPatterns> {
  const { Pattern, MatchKind, getSearchPaths, match, partialMatch } = await import("./glob-package.ts");
  const patterns = texts
    .flatMap((text) => text.split("\n"))
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .flatMap((line) => {
      const pattern = new Pattern(absolute(line, root));
      const isOpen = pattern.trailingSeparator || pattern.segments.at(-1) !== "**";
      return isOpen ? [pattern, new Pattern(pattern.negate, true, [...pattern.segments, "**"])] : [pattern];
    });
  return {
    searchPaths: getSearchPaths(patterns),
    matchesFile: (path) => (match(patterns, path) & MatchKind.File) !== 0,
    mayHoldMatches: (path) => match(patterns, path) !== MatchKind.None || partialMatch(patterns, path),
  };
}

function absolute(line: string, root: string): string {
  const [, negation = "", pattern = ""] = /^((?:!\s*)*)(.*)$/s.exec(line) ?? [];
  if (/^(\/|~($|\/))/.test(pattern)) return line;
  return `${negation}${root.replaceAll(/[[?*]/g, "[$&]")}/${pattern}`;
}
