import type { Field } from "../../expressions/token-fields.ts";
import type { Report } from "./report.ts";

/**
 * `if: ${{ a }} && b` is text around an expression, and text that is not empty holds always: GitHub runs such a step
 * whatever `a` and `b` are, and so do we.
 */
export function warnOfConstantCondition(field: Field | undefined, report: Report): void {
  const token = field?.value;
  if (token?.kind !== "expression" || !token.expression.startsWith("format('")) return;
  report.warning(
    token.at ?? field?.at,
    "This condition always holds, because it is a text with '${{ }}' inside. Write the whole condition inside '${{ }}', or without it.",
  );
}
