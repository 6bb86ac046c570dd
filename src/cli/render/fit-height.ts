// A picture that is taller than the terminal cannot be repainted, so it gives way, least interesting first: steps of
// jobs that went well, steps of every ended job, queued jobs, ended jobs, ended steps, and at last the top.

import type { TreeLine } from "./line.ts";
import { markOf, type Style } from "./style.ts";
import type { JobBlock } from "./tree.ts";

type Reduction = (blocks: readonly Part[], style: Style) => readonly Part[];

/** A job with its steps, or a line that stands for several jobs. */
interface Part {
  readonly block?: JobBlock;
  readonly header: TreeLine;
  readonly steps: readonly TreeLine[];
}

export function fitHeight(blocks: readonly JobBlock[], rows: number, style: Style): readonly TreeLine[] {
  let parts: readonly Part[] = blocks.map((block) => ({ block, header: block.header, steps: block.steps.map(({ line }) => line) }));
  for (const reduce of REDUCTIONS) {
    if (heightOf(parts) <= rows) break;
    parts = reduce(parts, style);
  }
  const lines = parts.flatMap((part) => [part.header, ...part.steps]);
  if (lines.length <= rows) return lines;
  const kept = Math.max(0, rows - 1);
  const more: TreeLine = note(0, `${lines.length - kept} more lines`, style);
  return kept === 0 ? [more] : [more, ...lines.slice(-kept)];
}

function heightOf(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + 1 + part.steps.length, 0);
}

const isEnded = (part: Part) => part.block?.job.status === "completed";
const isQueued = (part: Part) => part.block?.job.status === "queued";
const wentWell = (part: Part) => isEnded(part) && (part.block?.job.conclusion === "success" || part.block?.job.conclusion === "skipped");

const REDUCTIONS: readonly Reduction[] = [
  (parts) => parts.map((part) => (wentWell(part) ? { ...part, steps: [] } : part)),
  (parts) => parts.map((part) => (isEnded(part) ? { ...part, steps: [] } : part)),
  (parts, style) => merge(parts, isQueued, (count) => note(0, `${count} more jobs queued`, style)),
  (parts, style) => merge(parts, wentWell, (count) => note(0, `${count} jobs ended well`, style)),
  (parts, style) => merge(parts, isEnded, (count) => note(0, `${count} jobs ended`, style)),
  (parts, style) => parts.map((part) => withoutEndedSteps(part, style)),
];

/** The parts that match become one line where the first of them stood. */
function merge(parts: readonly Part[], matches: (part: Part) => boolean, line: (count: number) => TreeLine): readonly Part[] {
  const first = parts.findIndex(matches);
  const count = parts.filter(matches).length;
  if (count < 2) return parts;
  return parts.flatMap((part, index) => (index === first ? [{ header: line(count), steps: [] }] : matches(part) ? [] : [part]));
}

function withoutEndedSteps(part: Part, style: Style): Part {
  const steps = part.block?.steps ?? [];
  const open = steps.filter(({ step }) => step.status !== "completed" && step.status !== "queued").map(({ line }) => line);
  const ended = steps.filter(({ step }) => step.status === "completed").length;
  const queued = steps.filter(({ step }) => step.status === "queued").length;
  if (part.steps.length === 0) return part;
  return {
    ...part,
    steps: [
      ...(ended > 0 ? [note(1, `${ended} steps ended`, style)] : []),
      ...open,
      ...(queued > 0 ? [note(1, `${queued} steps to come`, style)] : []),
    ],
  };
}

function note(depth: number, text: string, style: Style): TreeLine {
  return { depth, mark: { ...markOf("queued", null, style), text: "…" }, label: text, weight: "dim" };
}
