/** Reads and writes the fields of C structs in byte arrays. */

/** How a field is stored: little-endian, but for `be16`. */
export type FieldType =
  | "u8"
  | "u16"
  | "be16"
  | "i32"
  | "u32"
  | "i64"
  | "u64";

/** A C struct: its size in bytes, and each field's offset and type. */
export interface Layout<Name extends string> {
  /** `sizeof` the struct, in bytes. */
  readonly size: number;
  /** Offset in bytes and type of each field. */
  readonly fields: Readonly<Record<Name, readonly [number, FieldType]>>;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Reads one field.
 *
 * @param layout the struct
 * @param bytes where the struct starts at byte 0
 * @param name the field
 * @returns its value; a 64-bit field is exact below 2^53 only, so use
 *   {@linkcode getBig} where all bits matter
 */
export function get<Name extends string>(
  layout: Layout<Name>,
  bytes: Uint8Array,
  name: Name,
): number {
  const [offset, type] = layout.fields[name];
  switch (type) {
    case "u8":
      return bytes[offset] as number;
    case "u16":
      return half(bytes, offset);
    case "be16":
      return swapped(half(bytes, offset));
    case "i32":
      return word(bytes, offset);
    case "u32":
      return word(bytes, offset) >>> 0;
    case "i64":
      return word(bytes, offset + 4) * 2 ** 32 + (word(bytes, offset) >>> 0);
    case "u64":
      return (word(bytes, offset + 4) >>> 0) * 2 ** 32 +
        (word(bytes, offset) >>> 0);
  }
}

/** A number of 16 bits with its bytes the other way round. */
function swapped(value: number): number {
  return (value & 0xff) << 8 | value >> 8 & 0xff;
}

function half(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | (bytes[at + 1] as number) << 8;
}

/** Byte by byte, since a view of them would be one more object at each stop. */
function word(bytes: Uint8Array, at: number): number {
  return half(bytes, at) | half(bytes, at + 2) << 16;
}

/**
 * Reads one 64-bit field, every bit of it.
 *
 * @param layout the struct
 * @param bytes where the struct starts at byte 0
 * @param name the field
 * @returns its value, signed for `i64`
 */
export function getBig<Name extends string>(
  layout: Layout<Name>,
  bytes: Uint8Array,
  name: Name,
): bigint {
  const [offset, type] = layout.fields[name];
  return type === "i64"
    ? view(bytes).getBigInt64(offset, true)
    : view(bytes).getBigUint64(offset, true);
}

/**
 * Writes one field.
 *
 * @param layout the struct
 * @param bytes where the struct starts at byte 0
 * @param name the field
 * @param value the value; bits above the field's width are dropped
 * @throws {RangeError} if it is no integer
 */
export function set<Name extends string>(
  layout: Layout<Name>,
  bytes: Uint8Array,
  name: Name,
  value: number | bigint,
): void {
  const [offset, type] = layout.fields[name];
  if (typeof value === "number" && !Number.isInteger(value)) {
    throw new RangeError(`Cannot store ${value} in ${name}: it is no integer`);
  }
  switch (type) {
    case "u8":
      bytes[offset] = low(value);
      return;
    case "u16":
      return putHalf(bytes, offset, low(value));
    case "be16":
      return putHalf(bytes, offset, swapped(low(value)));
    case "i32":
    case "u32":
      return putWord(bytes, offset, low(value));
    case "i64":
    case "u64":
      putWord(bytes, offset, low(value));
      return putWord(bytes, offset + 4, high(value));
  }
}

function low(value: number | bigint): number {
  return typeof value === "number"
    ? value | 0
    : Number(BigInt.asIntN(32, value));
}

function high(value: number | bigint): number {
  return typeof value === "number"
    ? Math.floor(value / 2 ** 32) | 0
    : Number(BigInt.asIntN(32, value >> 32n));
}

function putHalf(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >> 8;
}

/** Byte by byte, as {@linkcode word} reads. */
function putWord(bytes: Uint8Array, at: number, value: number): void {
  putHalf(bytes, at, value);
  putHalf(bytes, at + 2, value >> 16);
}
