// JSON values as the evaluator's data, without copying them: objects are wrapped and looked into on demand. Differs from
// the package's own data where that differs from GitHub's runner:
// - keys such as `constructor` and `__proto__` are ordinary keys;
// - numbers become text as .NET's G15 does it (`1E+21`, `1E-05`);
// - `env` tells `FOO` from `foo`, as on Linux; all other objects do not.

import type { ExpressionData } from "@actions/expressions/data/index";
import type { JsonValue } from "../model/payload.ts";
import { formatNumber } from "./format-number.ts";
import type { EvaluationPackage } from "./official-packages.ts";
import { evaluationPackage } from "./official-packages.ts";

type JsonObject = { readonly [key: string]: JsonValue };

export interface DataFactory {
  readonly fromJson: (value: JsonValue) => ExpressionData;
  readonly fromEnvironment: (value: JsonValue) => ExpressionData;
  readonly toJson: (value: ExpressionData) => JsonValue;
  /** A number that the package made itself, with our way to text. */
  readonly exact: (value: ExpressionData) => ExpressionData;
}

let factory: DataFactory | undefined;

export function dataFactory(): DataFactory {
  factory ??= createDataFactory(evaluationPackage());
  return factory;
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function createDataFactory({ data }: EvaluationPackage): DataFactory {
  class ExactNumber extends data.NumberData {
    override coerceString(): string {
      return formatNumber(this.value);
    }
  }

  class JsonDictionary extends data.Dictionary {
    readonly source: JsonObject;
    readonly #ignoreCase: boolean;
    readonly #wrapped = new Map<string, ExpressionData>();
    #keysByFolded: Map<string, string> | undefined;

    constructor(source: JsonObject, ignoreCase: boolean) {
      super();
      this.source = source;
      this.#ignoreCase = ignoreCase;
    }

    override get(key: string): ExpressionData | undefined {
      const name = Object.hasOwn(this.source, key) ? key : this.#ignoreCase ? this.#fold().get(key.toLowerCase()) : undefined;
      return name === undefined ? undefined : this.#at(name);
    }

    override values(): ExpressionData[] {
      return Object.keys(this.source).map((key) => this.#at(key));
    }

    override pairs(): { key: string; value: ExpressionData }[] {
      return Object.keys(this.source).map((key) => ({ key, value: this.#at(key) }));
    }

    /** Wrapped once, because the evaluator compares objects by identity. */
    #at(key: string): ExpressionData {
      let value = this.#wrapped.get(key);
      if (value === undefined) {
        value = fromJson(this.source[key] ?? null);
        this.#wrapped.set(key, value);
      }
      return value;
    }

    #fold(): Map<string, string> {
      if (this.#keysByFolded === undefined) {
        this.#keysByFolded = new Map();
        for (const key of Object.keys(this.source)) {
          const folded = key.toLowerCase();
          if (!this.#keysByFolded.has(folded)) this.#keysByFolded.set(folded, key);
        }
      }
      return this.#keysByFolded;
    }
  }

  function fromJson(value: JsonValue): ExpressionData {
    if (value === null) return new data.Null();
    if (typeof value === "string") return new data.StringData(value);
    if (typeof value === "number") return new ExactNumber(value);
    if (typeof value === "boolean") return new data.BooleanData(value);
    if (isArray(value)) {
      const array = new data.Array();
      for (const item of value) array.add(fromJson(item));
      return array;
    }
    return new JsonDictionary(value, true);
  }

  function toJson(value: ExpressionData): JsonValue {
    if (value instanceof JsonDictionary) return value.source;
    if (value instanceof data.Dictionary) return Object.fromEntries(value.pairs().map((pair) => [pair.key, toJson(pair.value)]));
    if (value instanceof data.Array) return value.values().map(toJson);
    if (value instanceof data.StringData || value instanceof data.NumberData || value instanceof data.BooleanData) return value.value;
    return null;
  }

  return {
    fromJson,
    fromEnvironment: (value) =>
      typeof value === "object" && value !== null && !isArray(value) ? new JsonDictionary(value, false) : fromJson(value),
    toJson,
    exact: (value) => (value instanceof data.NumberData && !(value instanceof ExactNumber) ? new ExactNumber(value.value) : value),
  };
}
