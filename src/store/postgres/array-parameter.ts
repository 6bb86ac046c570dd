// Arrays as parameters in PostgreSQL's binary format: one parameter for a column of any number of rows, and no text to
// quote here and to parse there. https://www.postgresql.org/docs/current/protocol-overview.html#PROTOCOL-FORMAT-CODES

/** A column of rows, as the parameter of a statement. Of a single row the cell itself can be the parameter. */
export class Column {
  readonly cells: readonly (number | string | boolean | Buffer | null)[];
  readonly #encode: () => Buffer;

  constructor(cells: Column["cells"], encode: () => Buffer) {
    this.cells = cells;
    this.#encode = encode;
  }

  /** Called by the driver. */
  toPostgres(): Buffer {
    return this.#encode();
  }
}

const OID = { boolean: 16, bytea: 17, bigint: 20, text: 25 } as const;
const HEADER_BYTES = 20;
const NULL_LENGTH = -1;
const TWO_TO_32 = 2 ** 32;

export const bigints = (values: readonly (number | null)[]): Column => new Column(values, () => encodeBigints(values));

function encodeBigints(values: readonly (number | null)[]): Buffer {
  const array = allocate(OID.bigint, values, (value) => (value === null ? 0 : 8));
  let at = HEADER_BYTES;
  for (const value of values) {
    if (value === null) at = array.writeInt32BE(NULL_LENGTH, at);
    else {
      at = array.writeInt32BE(8, at);
      const high = Math.floor(value / TWO_TO_32);
      at = array.writeInt32BE(high, at);
      at = array.writeUInt32BE(value - high * TWO_TO_32, at);
    }
  }
  return array;
}

export const texts = (values: readonly (string | null)[]): Column => new Column(values, () => encodeTexts(values));

function encodeTexts(values: readonly (string | null)[]): Buffer {
  const array = allocate(OID.text, values, (value) => (value === null ? 0 : Buffer.byteLength(value)));
  let at = HEADER_BYTES;
  for (const value of values) {
    if (value === null) at = array.writeInt32BE(NULL_LENGTH, at);
    else {
      const length = array.write(value, at + 4);
      array.writeInt32BE(length, at);
      at += 4 + length;
    }
  }
  return array;
}

export const byteas = (values: readonly Buffer[]): Column => new Column(values, () => encodeByteas(values));

function encodeByteas(values: readonly Buffer[]): Buffer {
  const array = allocate(OID.bytea, values, (value) => value.length);
  let at = HEADER_BYTES;
  for (const value of values) {
    at = array.writeInt32BE(value.length, at);
    at += value.copy(array, at);
  }
  return array;
}

export const booleans = (values: readonly boolean[]): Column => new Column(values, () => encodeBooleans(values));

function encodeBooleans(values: readonly boolean[]): Buffer {
  const array = allocate(OID.boolean, values, () => 1);
  let at = HEADER_BYTES;
  for (const value of values) {
    at = array.writeInt32BE(1, at);
    at = array.writeUInt8(value ? 1 : 0, at);
  }
  return array;
}

function allocate<Value>(oid: number, values: readonly Value[], bytesOf: (value: Value) => number): Buffer {
  let length = HEADER_BYTES;
  let hasNull = false;
  for (const value of values) {
    length += 4 + bytesOf(value);
    hasNull ||= value === null;
  }
  // An empty array has no dimension, and no header for one.
  const array = Buffer.allocUnsafe(values.length === 0 ? 12 : length);
  array.writeInt32BE(values.length === 0 ? 0 : 1, 0);
  array.writeInt32BE(hasNull ? 1 : 0, 4);
  array.writeInt32BE(oid, 8);
  if (values.length === 0) return array;
  array.writeInt32BE(values.length, 12);
  array.writeInt32BE(1, 16);
  return array;
}
