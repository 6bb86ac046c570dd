// GitHub's schema, with each definition made when it is first asked for. The package's own loader reads, checks and
// builds all of them, texts for editors included, which takes longer than reading a workflow file; a file uses a few.

import type { Definition } from "@actions/workflow-parser/templates/schema/definition";
import type { TemplateSchema } from "@actions/workflow-parser/templates/schema/template-schema";
import type { TemplateToken } from "@actions/workflow-parser/templates/tokens/template-token";
import type { JsonValue } from "../model/payload.ts";
import type { ParsingPackage } from "./official-packages.ts";

type SchemaJson = { readonly definitions: { readonly [name: string]: JsonValue } };

const schemas = new Map<SchemaJson, TemplateSchema>();

export function lazySchema(parsing: ParsingPackage, json: SchemaJson): TemplateSchema {
  let schema = schemas.get(json);
  if (schema === undefined) {
    schema = createSchema(parsing, json);
    schemas.set(json, schema);
  }
  return schema;
}

function createSchema(parsing: ParsingPackage, json: SchemaJson): TemplateSchema {
  const { TemplateSchema: Schema, MappingToken, StringToken } = parsing;

  class LazySchema extends Schema {
    override getDefinition(name: string): Definition {
      const known = this.definitions[name];
      if (known !== undefined) return known;
      const source = json.definitions[name];
      if (source === undefined) return super.getDefinition(name); // Throws: not found.
      const one = new MappingToken(undefined, undefined, undefined);
      one.add(text(name), tokenOf(parsing, source));
      const root = new MappingToken(undefined, undefined, undefined);
      root.add(text("definitions"), one);
      // A list of allowed values makes further definitions beside its own.
      for (const [made, definition] of Object.entries(new Schema(root).definitions)) this.definitions[made] ??= definition;
      return super.getDefinition(name);
    }

    /** `constructor` and the like are names that a file may use, and no properties of a definition. */
    override matchPropertyAndFilter(...[definitions, name]: Parameters<TemplateSchema["matchPropertyAndFilter"]>) {
      return name in Object.prototype ? undefined : super.matchPropertyAndFilter(definitions, name);
    }
  }

  function text(value: string) {
    return new StringToken(undefined, undefined, value, undefined);
  }
  return new LazySchema();
}

function tokenOf(parsing: ParsingPackage, value: JsonValue): TemplateToken {
  const { BooleanToken, MappingToken, NumberToken, NullToken, SequenceToken, StringToken } = parsing;
  if (value === null) return new NullToken(undefined, undefined, undefined);
  if (typeof value === "string") return new StringToken(undefined, undefined, value, undefined);
  if (typeof value === "boolean") return new BooleanToken(undefined, undefined, value, undefined);
  if (typeof value === "number") return new NumberToken(undefined, undefined, value, undefined);
  if (Array.isArray(value)) {
    const sequence = new SequenceToken(undefined, undefined, undefined);
    for (const item of value) sequence.add(tokenOf(parsing, item));
    return sequence;
  }
  const mapping = new MappingToken(undefined, undefined, undefined);
  for (const [key, item] of Object.entries(value)) {
    mapping.add(new StringToken(undefined, undefined, key, undefined), tokenOf(parsing, item));
  }
  return mapping;
}
