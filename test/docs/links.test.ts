// Every link from one document of the project to another leads somewhere, headings included.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const pages = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
].toSorted();

/** Without listings and code, whose brackets are no links. */
function prose(page: string): string {
  return readFileSync(join(root, page), "utf8")
    .replaceAll(/^```.*?^```/gms, "")
    .replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]()]/g, ""));
}

/** As GitHub names the headings of a page. */
function anchors(page: string): ReadonlySet<string> {
  const headings = [...prose(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

function deadLinks(page: string): readonly string[] {
  const targets = [...prose(page).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false;
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? page : relative(root, join(root, dirname(page), path));
    if (!existsSync(join(root, file))) return true;
    return anchor !== undefined && file.endsWith(".md") && !anchors(file).has(anchor);
  });
}

test("there are documents to look at, and links in them", () => {
  expect(pages).toContain("README.md");
  expect(pages.length).toBeGreaterThan(15);
  expect(prose("README.md")).toContain("](docs/");
});

test.each(pages)("%s links to what is there", (page) => {
  expect(deadLinks(page)).toEqual([]);
});

test("every document is linked from another one", () => {
  const linked = new Set(
    pages.flatMap((page) =>
      [...prose(page).matchAll(/\]\(([^()\s#]+)/g)].map(([, target = ""]) => relative(root, join(root, dirname(page), target))),
    ),
  );
  expect(pages.filter((page) => page.startsWith("docs/") && !linked.has(page) && !linked.has(dirname(page)))).toEqual([]);
});
