import { describe, expect, it } from "vitest";
import { filterPatternProblem, matchesFilter } from "./filter-pattern.ts";
import { planWorkflow } from "./plan-workflow.ts";
import { defaultEvent, type EventFacts, hasFilters, matchEvent } from "./select-event.ts";

async function planOf(on: string) {
  const { plan, diagnostics } = await planWorkflow({ file: "ci.yml", text: `on: ${on}\njobs: {a: {runs-on: x, steps: [{run: x}]}}\n` });
  if (plan === undefined) throw new Error(JSON.stringify(diagnostics));
  return plan;
}

describe("filter patterns, as in GitHub's cheat sheet", () => {
  it.each([
    ["feature/*", "feature/my-branch", true],
    ["feature/*", "feature/beta-a/my-branch", false],
    ["feature/**", "feature/beta-a/my-branch", true],
    ["main", "main", true],
    ["main", "main2", false],
    ["*", "main", true],
    ["*", "all/the/branches", false],
    ["**", "all/the/branches", true],
    ["*feature", "ver-10-feature", true],
    ["v2*", "v2.9", true],
    ["v[12].[0-9]+.[0-9]+", "v1.10.1", true],
    ["v[12].[0-9]+.[0-9]+", "v3.1.1", false],
    ["*.jsx?", "page.js", true],
    ["*.jsx?", "page.jsx", true],
    ["**.js", "src/js/app.js", true],
    ["docs/*", "docs/mona/file.txt", false],
    ["docs/**/*.md", "docs/README.md", true],
    ["docs/**/*.md", "docs/a/markdown/file.md", true],
    ["**/docs/**", "dir/docs/my-file.txt", true],
    ["**/README.md", "README.md", true],
    ["**/README.md", "js/README.md", true],
    ["**/*src/**", "a/src/app.js", true],
    ["**/migrate-*.sql", "db/sept/migrate-10909.sql", true],
    ["a.b", "axb", false],
    ["a\\*b", "a*b", true],
    ["[CB]at", "Cat", true],
    ["über/*", "über/größe", true],
  ])("%s and %s: %s", (pattern, name, expected) => {
    expect(matchesFilter([pattern], name)).toBe(expected);
  });
  it("lets the last pattern that matches decide", () => {
    const patterns = ["releases/**", "!releases/**-alpha", "releases/9-alpha"];
    const matched = ["releases/10", "releases/10-alpha", "releases/9-alpha", "main"].map((name) => matchesFilter(patterns, name));
    expect(matched).toEqual([true, false, true, false]);
  });
  it.each(["?", "+x", "[a", "a++"])("refuses %s", (pattern) => {
    expect(filterPatternProblem(pattern)).toContain(`The pattern '${pattern}' is invalid`);
  });
});

describe("defaultEvent", () => {
  it.each([
    ["[pull_request, push]", "push"],
    ["[workflow_call, schedule]", "schedule"],
    ["workflow_dispatch", "workflow_dispatch"],
    ["workflow_call", undefined],
  ])("of %s is %s", async (on, expected) => {
    expect(defaultEvent(await planOf(on))).toBe(expected);
  });
});

describe("matchEvent", () => {
  const cases: readonly (readonly [string, string, EventFacts, boolean])[] = [
    ["push", "push", { ref: "refs/tags/v1" }, true],
    ["push", "release", {}, false],
    ["{push: {branches: [main]}}", "push", { ref: "refs/heads/main" }, true],
    ["{push: {branches: [main]}}", "push", { ref: "refs/heads/x" }, false],
    ["{push: {branches: [main]}}", "push", { ref: "refs/tags/v1" }, false],
    ["{push: {tags: ['v*']}}", "push", { ref: "refs/tags/v1" }, true],
    ["{push: {tags: ['v*']}}", "push", { ref: "refs/heads/v1" }, false],
    ["{push: {branches: [main], tags: ['v*']}}", "push", { ref: "refs/tags/v1" }, true],
    ["{push: {branches-ignore: ['x/**']}}", "push", { ref: "refs/heads/x/y" }, false],
    ["{push: {branches: [main]}}", "push", {}, true],
    ["{push: {paths: ['src/**']}}", "push", { ref: "refs/heads/m", paths: ["a", "src/b"] }, true],
    ["{push: {paths: ['src/**']}}", "push", { ref: "refs/heads/m", paths: ["a"] }, false],
    ["{push: {paths: ['src/**']}}", "push", { ref: "refs/tags/m", paths: ["a"] }, true],
    ["{push: {paths-ignore: ['**.md']}}", "push", { paths: ["a.md"] }, false],
    ["{push: {paths-ignore: ['**.md']}}", "push", { paths: ["a.md", "b"] }, true],
    ["pull_request", "pull_request", { action: "labeled" }, false],
    ["pull_request", "pull_request", { action: "opened" }, true],
    ["{pull_request: {types: [labeled]}}", "pull_request", { action: "labeled" }, true],
    ["{pull_request: {branches: [main]}}", "pull_request", { ref: "refs/heads/dev" }, false],
    ["issues", "issues", { action: "closed" }, true],
  ];
  it.each(cases)("%s on %s with %j: %s", async (on, event, facts, expected) => {
    expect(matchEvent(await planOf(on), event, facts).runs).toBe(expected);
  });
  it("knows whether there is a filter to pass over", async () => {
    expect(hasFilters(await planOf("{push: {paths: [a]}}"), "push")).toBe(true);
    expect(hasFilters(await planOf("push"), "push")).toBe(false);
  });
});
