// `npm run bench [NAME ...]`: every figure that the project promises, as a table. Fails if a result is wrong, if the store was not at
// `synchronous=FULL`, or if a figure is outside its limit.

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Figure, isWithin } from "./measure.ts";

interface Suite {
  readonly measure: () => Promise<readonly Figure[]>;
}

const folder = fileURLToPath(new URL("./suites", import.meta.url));
const wanted = process.argv.slice(2);
const suites = readdirSync(folder)
  .filter((name) => name.endsWith(".ts"))
  .toSorted()
  .filter((name) => wanted.length === 0 || wanted.some((word) => name.includes(word)));
if (suites.length === 0) throw new Error(`no suite in ${folder} has a name with ${wanted.join(" or ")}`);

const figures: Figure[] = [];
for (const name of suites) {
  process.stdout.write(`${name.replace(/\.ts$/, "")}\n`);
  const suite = (await import(new URL(`./suites/${name}`, import.meta.url).href)) as Suite;
  for (const figure of await suite.measure()) {
    figures.push(figure);
    process.stdout.write(`  ${row(figure)}\n`);
  }
}
const missed = figures.filter((figure) => !isWithin(figure));
process.stdout.write(`\n${figures.length} figures, ${missed.length} outside their limit\n`);
for (const figure of missed) process.stdout.write(`  ${row(figure)}\n`);
process.exitCode = missed.length === 0 ? 0 : 1;

function row(figure: Figure): string {
  const limit =
    figure.limit === undefined
      ? "printed only"
      : "atMost" in figure.limit
        ? `at most ${figure.limit.atMost}`
        : `at least ${figure.limit.atLeast}`;
  const mark = isWithin(figure) ? "ok  " : "MISS";
  return `${mark} ${figure.name}: ${figure.value.toPrecision(3)} ${figure.unit} (${limit}) against ${figure.against}; ${figure.detail}`;
}
