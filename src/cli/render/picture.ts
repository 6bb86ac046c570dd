// A run's tree as lines that fit the terminal. Pure.

import type { RunView } from "../../model/run-view.ts";
import { fitHeight } from "./fit-height.ts";
import { layoutLine } from "./line.ts";
import type { Style } from "./style.ts";
import { treeOf } from "./tree.ts";

interface PictureOptions {
  readonly columns: number;
  /** Absent: as tall as it is. */
  readonly rows?: number;
  readonly now: number;
  readonly frame?: number;
  readonly hasColumns?: boolean;
  readonly style: Style;
}

export function pictureOf(view: RunView, options: PictureOptions): readonly string[] {
  const { now, style, frame, hasColumns } = options;
  const blocks = treeOf(view, {
    now,
    style,
    ...(frame === undefined ? {} : { frame }),
    ...(hasColumns === undefined ? {} : { hasColumns }),
  });
  return fitHeight(blocks, options.rows ?? Number.POSITIVE_INFINITY, style).map((line) => layoutLine(line, options.columns, style));
}
