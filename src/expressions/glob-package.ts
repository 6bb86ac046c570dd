// The parts of @actions/glob that say what matches. Its own walk writes workflow commands to this process's output.

export { MatchKind } from "../../node_modules/@actions/glob/lib/internal-match-kind.js";
export { Pattern } from "../../node_modules/@actions/glob/lib/internal-pattern.js";
export { getSearchPaths, match, partialMatch } from "../../node_modules/@actions/glob/lib/internal-pattern-helper.js";
