// Ids of runs: the tenths of a second since 2026 in seven characters of Crockford's base 32. They sort by age, are typed
// without thinking about case, and hold no letter that looks like a digit. That an id is free in its repository is decided
// by making its directory, not by luck.

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH = 7;
const BEGINNING = Date.UTC(2026, 0, 1);
const TICK_MS = 100;

export const RUN_ID = /^[0-9a-hjkmnp-tv-z]{7}$/;

/** The id for a moment, or one of the next ones: `later` counts those that were taken. */
export function runIdAt(now: number, later = 0): string {
  let ticks = Math.max(0, Math.floor((now - BEGINNING) / TICK_MS)) + later;
  let id = "";
  for (let place = 0; place < LENGTH; place += 1) {
    id = `${ALPHABET[ticks % ALPHABET.length]}${id}`;
    ticks = Math.floor(ticks / ALPHABET.length);
  }
  return id;
}

/** As a person may have typed it: in capitals, with O for 0 and I or L for 1. */
export function normalizeRunId(typed: string): string {
  return typed.trim().toLowerCase().replaceAll("o", "0").replaceAll(/[il]/g, "1");
}
