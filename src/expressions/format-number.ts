/**
 * A number as text, as the runner writes it: .NET's `G15` in the invariant culture. At most 15 significant digits;
 * scientific with a sign and at least two digits of exponent from 1E+15 up and below 0.0001.
 */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  if (value === 0) return "0";
  const [mantissa = "0", exponentText = "0"] = value.toExponential(14).split("e");
  const exponent = Number(exponentText);
  const digits = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  if (exponent > -5 && exponent < 15) {
    const fixed = value.toFixed(Math.max(0, 14 - exponent));
    return fixed.includes(".") ? fixed.replace(/\.?0+$/, "") : fixed;
  }
  const sign = exponent < 0 ? "-" : "+";
  return `${digits}E${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
}
