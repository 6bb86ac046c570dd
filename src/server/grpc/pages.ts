import type { Page } from "../../store/store.ts";

const DEFAULT_PAGE_SIZE = 100;

/** Sizes of zero or less mean the default; larger ones than the bound mean the bound. */
export function pageOf(size: number | undefined, token: string | undefined, withPayloads: boolean, maxPageSize: number): Page {
  const limit = Math.min(size === undefined || size <= 0 ? DEFAULT_PAGE_SIZE : size, maxPageSize);
  return token === undefined || token === "" ? { limit, withPayloads } : { limit, after: token, withPayloads };
}
