const FIELDS: readonly { readonly name: string; readonly min: number; readonly max: number; readonly names?: readonly string[] }[] = [
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  { name: "day of the month", min: 1, max: 31 },
  { name: "month", min: 1, max: 12, names: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"] },
  { name: "day of the week", min: 0, max: 6, names: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] },
];

/** Why GitHub would not take a schedule; undefined if it would. */
export function cronProblem(cron: string): string | undefined {
  const parts = cron.trim().split(/ +/);
  if (parts.length !== FIELDS.length) {
    return "Invalid cron expression. Expected format: '* * * * *' (minute hour day month weekday)";
  }
  for (const [index, field] of FIELDS.entries()) {
    const part = parts[index] ?? "";
    if (!part.split(",").every((item) => isValidItem(item, field))) {
      return `Invalid cron expression: '${part}' is not a valid ${field.name} (${field.min}-${field.max}).`;
    }
  }
  return undefined;
}

function isValidItem(item: string, field: (typeof FIELDS)[number]): boolean {
  const [range = "", step, ...rest] = item.split("/");
  if (rest.length > 0 || (step !== undefined && !/^[1-9]\d*$/.test(step))) return false;
  if (range === "*") return true;
  const bounds = range.split("-").map((bound) => valueOf(bound, field));
  const [from, to] = bounds;
  if (from === undefined || bounds.length > 2 || bounds.includes(undefined)) return false;
  return to === undefined || from <= to;
}

function valueOf(text: string, field: (typeof FIELDS)[number]): number | undefined {
  const named = field.names?.indexOf(text.toUpperCase()) ?? -1;
  if (named >= 0) return field.min + named;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return value >= field.min && value <= field.max ? value : undefined;
}
