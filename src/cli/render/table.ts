import type { Style } from "./style.ts";
import { cutToWidth, padToWidth, textWidth } from "./text-width.ts";

export interface Cell {
  readonly text: string;
  readonly paint?: (text: string) => string;
}

/** Columns as wide as their content; where the terminal is too narrow, `flexible` gives way. */
export function table(headings: readonly string[], rows: readonly (readonly Cell[])[], options: TableOptions): string {
  const cells = [headings.map((text): Cell => ({ text, paint: options.style.dim })), ...rows];
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => textWidth(row[column]?.text ?? ""))));
  const spare = options.columns - 1 - widths.reduce((sum, width) => sum + width + 2, -2);
  const flexible = widths[options.flexible] ?? 0;
  if (spare < 0) widths[options.flexible] = Math.max(8, flexible + spare);
  return cells
    .map((row) =>
      row
        .map(({ text, paint }, column) => {
          const width = widths[column] ?? 0;
          const cut = cutToWidth(text, width);
          const painted = paint === undefined ? cut : paint(cut);
          return column === row.length - 1 ? painted : painted + padToWidth("", width - textWidth(cut));
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export interface TableOptions {
  readonly columns: number;
  /** The column that is cut. */
  readonly flexible: number;
  readonly style: Style;
}
