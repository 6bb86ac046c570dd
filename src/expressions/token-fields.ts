// Reading serialised tokens. The official schema has already refused what has the wrong shape, so these readers answer
// "absent" for it instead of complaining a second time.

import type { SourcePosition, TemplateToken } from "../model/template.ts";

export interface Field {
  readonly name: string;
  readonly value: TemplateToken;
  /** Of the key. */
  readonly at: SourcePosition;
}

export const FILE_START: SourcePosition = { line: 1, column: 1 };

/** The entries of a mapping whose keys are plain text, in order. */
export function fieldsOf(token: TemplateToken | undefined): readonly Field[] {
  if (token?.kind !== "mapping") return [];
  return token.entries.flatMap(({ key, value }) =>
    key.kind === "string" ? [{ name: key.value, value, at: key.at ?? token.at ?? FILE_START }] : [],
  );
}

export function fieldMap(token: TemplateToken | undefined): ReadonlyMap<string, Field> {
  return new Map(fieldsOf(token).map((field) => [field.name, field]));
}

export function itemsOf(token: TemplateToken | undefined): readonly TemplateToken[] {
  return token?.kind === "sequence" ? token.items : [];
}

export function textOf(token: TemplateToken | undefined): string | undefined {
  if (token?.kind === "string") return token.value;
  return token?.kind === "number" || token?.kind === "boolean" ? String(token.value) : undefined;
}

/** One text, or a list of them. */
export function textsOf(token: TemplateToken | undefined): readonly { readonly text: string; readonly at: SourcePosition }[] {
  const tokens = token?.kind === "sequence" ? token.items : token === undefined ? [] : [token];
  return tokens.flatMap((item) => {
    const text = textOf(item);
    return text === undefined ? [] : [{ text, at: item.at ?? FILE_START }];
  });
}

/** `{ [name]: value }` if there is a value: optional properties are absent, never undefined. */
export function optional<K extends string, V>(name: K, value: V | undefined): { readonly [P in K]?: V } {
  // A computed key is typed as an index signature; the key is K and nothing else.
  return (value === undefined ? {} : { [name]: value }) as { readonly [P in K]?: V };
}
