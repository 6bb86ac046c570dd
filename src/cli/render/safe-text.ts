// Text from workflow files and from steps may hold control sequences that move the cursor, change the title or hide
// what follows. Names lose them all; log lines keep colours, where colours are shown at all.

/* oxlint-disable no-control-regex -- control characters are what is looked for */

// CSI, OSC/DCS/PM/APC/SOS with their terminators (or to the end of the line), and two-character escapes.
const SEQUENCE =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?|\u001b[\]PX^_][^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]?/g;
const COLOR = /^\u001b\[[0-9;:]*m$/;
/** Control characters but tab, and marks that reorder the text around them. */
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
const CONTROL_BUT_ESCAPE = /[\u0000-\u0008\u000a-\u001a\u001c-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
const SUSPICIOUS = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

/** One line without any control character. */
export function plainText(text: string): string {
  if (!SUSPICIOUS.test(text)) return text;
  return text
    .replace(SEQUENCE, "")
    .replace(/\s*[\r\n]+\s*/g, " ")
    .replace(/\t/g, " ")
    .replace(CONTROL, "");
}

/** A line of a log; a progress bar that repaints itself is shown as it ended. */
export function logText(line: string, keepsColor: boolean): string {
  if (!SUSPICIOUS.test(line)) return line;
  const last = line.replace(/\r+$/, "").split("\r").at(-1) ?? "";
  if (!keepsColor) return last.replace(SEQUENCE, "").replace(CONTROL, "");
  let isColored = false;
  const kept = last.replace(SEQUENCE, (sequence) => {
    const isColor = COLOR.test(sequence);
    isColored ||= isColor;
    return isColor ? sequence : "";
  });
  // What a step leaves coloured must not colour what follows.
  return kept.replace(CONTROL_BUT_ESCAPE, "") + (isColored ? "\u001b[0m" : "");
}
