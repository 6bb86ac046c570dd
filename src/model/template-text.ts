import type { TemplateToken } from "./template.ts";

/** A scalar as its file has it, for people; undefined where there is none, or a list or mapping. */
export function templateText(token: TemplateToken | undefined): string | undefined {
  switch (token?.kind) {
    case "string":
      return token.value;
    case "number":
    case "boolean":
      return String(token.value);
    case "expression":
      return asWritten(token.expression);
    default:
      return undefined;
  }
}

/** A text with expressions in it was made one expression by the parser: `format('a {0}', b)` is `a ${{ b }}` again. */
function asWritten(expression: string): string {
  const [, format, rest] = /^format\('((?:[^']|'')*)', ([^'()]*)\)$/.exec(expression) ?? [];
  if (format === undefined || rest === undefined) return `\${{ ${expression} }}`;
  const values = rest.split(", ");
  return format
    .replaceAll("''", "'")
    .replaceAll(/\{\{|\}\}|\{(\d+)\}/g, (match, index?: string) =>
      index === undefined ? match.slice(1) : `\${{ ${values[Number(index)] ?? ""} }}`,
    );
}
