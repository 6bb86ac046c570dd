// Templates as they travel: plain serialised tokens with positions. A string with `${{ }}` inside is already one
// expression (`format('a {0}', b)`), as the official parser makes it; whoever has the right contexts evaluates it.

/** A place in a file, 1-based. */
export interface SourcePosition {
  readonly line: number;
  readonly column: number;
}

export type TemplateToken =
  | { readonly kind: "null"; readonly at?: SourcePosition }
  | { readonly kind: "boolean"; readonly value: boolean; readonly at?: SourcePosition }
  | { readonly kind: "number"; readonly value: number; readonly at?: SourcePosition }
  | { readonly kind: "string"; readonly value: string; readonly at?: SourcePosition }
  /** The text between `${{` and `}}`. */
  | { readonly kind: "expression"; readonly expression: string; readonly at?: SourcePosition }
  | { readonly kind: "sequence"; readonly items: readonly TemplateToken[]; readonly at?: SourcePosition }
  | { readonly kind: "mapping"; readonly entries: readonly TemplateEntry[]; readonly at?: SourcePosition };

export interface TemplateEntry {
  /** `insert` stands for the key `${{ insert }}`, whose value is a mapping that is merged in. */
  readonly key: TemplateToken | { readonly kind: "insert"; readonly at?: SourcePosition };
  readonly value: TemplateToken;
}
