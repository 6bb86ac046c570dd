// YAML as the stream of tokens that the official template reader consumes. Ours instead of the package's, because that
// one keeps the indentation of block scalars in scripts with expressions, follows aliases without a limit, and fails with
// internal errors on keys that are not scalars.

import type { LiteralToken } from "@actions/workflow-parser/templates/tokens/literal-token";
import type { MappingToken } from "@actions/workflow-parser/templates/tokens/mapping-token";
import type { SequenceToken } from "@actions/workflow-parser/templates/tokens/sequence-token";
import type { TokenRange } from "@actions/workflow-parser/templates/tokens/token-range";
import type { Alias, Document, LineCounter, Node, Scalar } from "yaml";
import type { SourcePosition } from "../model/template.ts";
import type { ParsingPackage } from "./official-packages.ts";

/** GitHub's own limits on nesting; on nodes a bound for what anchors may multiply. */
export const MAX_DEPTH = 100;
const MAX_NODES = 200_000;
const TOO_DEEP = `The file is nested too deeply: at most ${MAX_DEPTH} levels are allowed.`;

export interface YamlError {
  readonly message: string;
  readonly at?: SourcePosition;
}

type ReadEvent =
  | { readonly kind: "literal"; readonly token: LiteralToken }
  | { readonly kind: "sequence"; readonly token: SequenceToken }
  | { readonly kind: "mapping"; readonly token: MappingToken }
  | { readonly kind: "sequence-end" | "mapping-end" };

class YamlProblem extends Error {
  readonly at: SourcePosition | undefined;
  constructor(message: string, at: SourcePosition | undefined) {
    super(message);
    this.at = at;
  }
}

export class YamlReader {
  readonly errors: YamlError[] = [];
  readonly #parsing: ParsingPackage;
  readonly #fileId: number;
  readonly #lines: LineCounter;
  readonly #events: ReadEvent[] = [];
  readonly #indents = new WeakMap<object, number>();
  #next = 0;
  #nodes = 0;

  constructor(parsing: ParsingPackage, fileId: number, text: string) {
    this.#parsing = parsing;
    this.#fileId = fileId;
    this.#lines = new parsing.LineCounter();
    try {
      const document = this.#compose(text);
      this.#read(document.contents, document, 0, []);
    } catch (error) {
      if (!(error instanceof YamlProblem)) throw error;
      this.errors.push({ message: error.message, ...(error.at && { at: error.at }) });
    }
  }

  #compose(text: string): Document.Parsed {
    let document: Document.Parsed;
    try {
      document = this.#parsing.parseDocument(text, {
        lineCounter: this.#lines,
        keepSourceTokens: true,
        prettyErrors: false,
        uniqueKeys: false, // The template reader finds duplicates, without regard to case.
      });
    } catch (error) {
      if (error instanceof RangeError) throw new YamlProblem(TOO_DEEP, undefined);
      throw error;
    }
    const [error] = document.errors; // The rest mostly follows from the first.
    if (error !== undefined) {
      const at = this.#position(error.pos[0]);
      if (error.message.startsWith("Maximum call stack")) throw new YamlProblem(TOO_DEEP, at);
      throw new YamlProblem(`Invalid YAML: ${error.message}`, at);
    }
    if (document.contents === null) throw new YamlProblem("The file is empty.", undefined);
    return document;
  }

  /** The column that a block scalar's text begins at, by the token made of it; 0 for others. */
  indentOf(token: object): number {
    return this.#indents.get(token) ?? 0;
  }

  allowLiteral(): LiteralToken | undefined {
    const event = this.#events[this.#next];
    if (event?.kind !== "literal") return undefined;
    this.#next++;
    return event.token;
  }

  allowSequenceStart(): SequenceToken | undefined {
    const event = this.#events[this.#next];
    if (event?.kind !== "sequence") return undefined;
    this.#next++;
    return event.token;
  }

  allowMappingStart(): MappingToken | undefined {
    const event = this.#events[this.#next];
    if (event?.kind !== "mapping") return undefined;
    this.#next++;
    return event.token;
  }

  allowSequenceEnd(): boolean {
    return this.#allowEnd("sequence-end");
  }

  allowMappingEnd(): boolean {
    return this.#allowEnd("mapping-end");
  }

  validateStart(): void {}
  validateEnd(): void {}

  #allowEnd(kind: "sequence-end" | "mapping-end"): boolean {
    if (this.#events[this.#next]?.kind !== kind) return false;
    this.#next++;
    return true;
  }

  #read(node: Node | null, document: Document.Parsed, depth: number, aliases: readonly Node[]): void {
    const { isAlias, isMap, isScalar, isSeq, SequenceToken: Sequence, MappingToken: Mapping } = this.#parsing;
    const range = this.#range(node);
    if (depth > MAX_DEPTH) throw new YamlProblem(TOO_DEEP, range?.start);
    if (++this.#nodes > MAX_NODES) {
      throw new YamlProblem(`The file has more than ${MAX_NODES} values, counting what its aliases repeat.`, range?.start);
    }
    if (isAlias(node)) return this.#readAlias(node, document, depth, aliases);
    if (isSeq<Node | null>(node)) {
      this.#events.push({ kind: "sequence", token: new Sequence(this.#fileId, range, undefined) });
      for (const item of node.items) this.#read(item, document, depth + 1, aliases);
      this.#events.push({ kind: "sequence-end" });
    } else if (isMap<Node | null, Node | null>(node)) {
      this.#events.push({ kind: "mapping", token: new Mapping(this.#fileId, range, undefined) });
      for (const pair of node.items) {
        this.#readKey(pair.key, document);
        this.#read(pair.value, document, depth + 1, aliases);
      }
      this.#events.push({ kind: "mapping-end" });
    } else {
      this.#events.push({ kind: "literal", token: this.#literal(isScalar(node) ? node : null, range) });
    }
  }

  #readAlias(alias: Alias, document: Document.Parsed, depth: number, aliases: readonly Node[]): void {
    const target = alias.resolve(document);
    const at = this.#range(alias)?.start;
    if (target === undefined) throw new YamlProblem(`The alias '*${alias.source}' names no anchor.`, at);
    if (aliases.includes(target)) throw new YamlProblem(`The alias '*${alias.source}' contains itself.`, at);
    this.#read(target, document, depth, [...aliases, target]);
  }

  #readKey(key: Node | null, document: Document.Parsed): void {
    const { isAlias, isScalar, StringToken } = this.#parsing;
    const node = isAlias(key) ? (key.resolve(document) ?? null) : key;
    const range = this.#range(key);
    if (!isScalar(node)) throw new YamlProblem("A key must be plain text.", range?.start);
    const text = typeof node.value === "string" ? node.value : (node.source ?? "");
    this.#events.push({ kind: "literal", token: new StringToken(this.#fileId, range, text, undefined) });
  }

  #literal(node: Scalar | null, range: TokenRange | undefined): LiteralToken {
    const { NullToken, NumberToken, BooleanToken, StringToken } = this.#parsing;
    const value = node?.value ?? null;
    if (node === null || value === null) return new NullToken(this.#fileId, range, undefined);
    if (typeof value === "boolean") return new BooleanToken(this.#fileId, range, value, undefined);
    if (typeof value === "number") return new NumberToken(this.#fileId, range, value, undefined);
    if (typeof value === "bigint") return new NumberToken(this.#fileId, range, Number(value), undefined);
    if (typeof value !== "string") throw new YamlProblem("This kind of YAML value is not allowed in a workflow file.", range?.start);
    const isSingleLine = range === undefined || range.start.line === range.end.line;
    const source = isSingleLine && node.srcToken && "source" in node.srcToken ? node.srcToken.source : undefined;
    const token = new StringToken(this.#fileId, range, value, undefined, source);
    if (node.type === "BLOCK_LITERAL" && node.srcToken?.type === "block-scalar") {
      this.#indents.set(token, blockIndent(node.srcToken.source));
    }
    return token;
  }

  #range(node: Node | null): TokenRange | undefined {
    const range = node?.range;
    return range ? { start: this.#position(range[0]), end: this.#position(range[1]) } : undefined;
  }

  #position(offset: number): SourcePosition {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }
}

/** How far the first line of a block scalar that is not blank stands in. */
function blockIndent(source: string): number {
  return /^( *)\S/m.exec(source)?.[1]?.length ?? 0;
}
