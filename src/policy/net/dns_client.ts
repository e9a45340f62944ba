/**
 * What clients ask by DNS, and what they are told.
 *
 * Of a question nothing goes on but its name and its type, and a client is told
 * what stands in the answer and authority sections alone.
 */

import {
  CLASS_IN,
  FORMERR,
  HEADER_SIZE,
  MOST_SIZE,
  OPCODE,
  OPT,
  POINTER,
  QR,
  RA,
  RD,
  readName,
  readRecord,
  TC,
  TYPE_A,
  TYPE_AAAA,
  TYPE_OPT,
  viewOf,
} from "./dns.ts";

/** How long a message may be by UDP where the client does not say more. */
const LEAST_SIZE = 512;

/** What is asked. */
export interface DnsQuestion {
  /** The name, as `hostName()` writes it; `undefined` where it is none of a host. */
  readonly name: string | undefined;
  /** The type of records. */
  readonly type: number;
}

/** A message that asks. */
export interface Query extends DnsQuestion {
  /** Its number. */
  readonly id: number;
  /** Its header and its question, as the client wrote them. */
  readonly head: Uint8Array;
  /** Whether the client knows EDNS (RFC 6891). */
  readonly extended: boolean;
  /** How long an answer by UDP may be, in bytes. */
  readonly size: number;
}

/**
 * Reads a message that a client sent.
 *
 * @param bytes the message
 * @returns the query; `malformed` where it deserves an answer and makes no sense;
 *   `undefined` where it is nothing to be answered
 */
export function readQuery(bytes: Uint8Array): Query | "malformed" | undefined {
  if (bytes.length < HEADER_SIZE) return undefined;
  const view = viewOf(bytes);
  const flags = view.getUint16(2);
  if ((flags & QR) !== 0) return undefined;
  const [questions, answers, authorities, additional] = [4, 6, 8, 10]
    .map((at) => view.getUint16(at)) as [number, number, number, number];
  if (
    (flags & OPCODE) !== 0 || questions !== 1 || answers + authorities !== 0 ||
    additional > 1
  ) {
    return "malformed";
  }
  const name = readName(bytes, HEADER_SIZE, false);
  if (name === undefined || name.next + 4 > bytes.length) return "malformed";
  const type = view.getUint16(name.next);
  const end = name.next + 4;
  if (view.getUint16(name.next + 2) !== CLASS_IN) return "malformed";
  let size = LEAST_SIZE;
  let next = end;
  if (additional === 1) {
    // A root name, the type, the size, and options, of which none goes on.
    const record = readRecord(bytes, end);
    if (record?.type !== TYPE_OPT || bytes[end] !== 0) return "malformed";
    size = Math.min(Math.max(record.class, LEAST_SIZE), MOST_SIZE);
    next = record.next;
  }
  if (next !== bytes.length) return "malformed";
  return {
    ...{ id: view.getUint16(0), name: name.text, type, size },
    head: bytes.slice(0, end),
    extended: additional === 1,
  };
}

/** What a client is told. */
export interface Reply {
  /** The result. */
  readonly code: number;
  /** Whether it has to ask again by TCP. */
  readonly truncated?: boolean;
  /** How many records the first two sections have. */
  readonly counts?: readonly [number, number];
  /** These sections. */
  readonly records?: Uint8Array;
}

/**
 * Writes an answer to a client's query.
 *
 * @param query the query
 * @param reply what it is told
 * @param most how long the message may be, in bytes
 */
export function writeReply(
  query: Query,
  reply: Reply,
  most: number,
): Uint8Array<ArrayBuffer> {
  const { records = new Uint8Array(), counts = [0, 0] } = reply;
  const opt = query.extended ? OPT : [];
  const length = query.head.length + records.length + opt.length;
  if (length > most && records.length > 0) {
    return writeReply(query, { code: reply.code, truncated: true }, most);
  }
  const bytes = new Uint8Array(length);
  bytes.set(query.head);
  bytes.set(records, query.head.length);
  bytes.set(opt, query.head.length + records.length);
  const view = viewOf(bytes);
  const asked = view.getUint16(2) & RD;
  const cut = reply.truncated === true ? TC : 0;
  view.setUint16(2, QR | asked | RA | cut | reply.code);
  view.setUint16(4, 1);
  view.setUint16(6, counts[0]);
  view.setUint16(8, counts[1]);
  view.setUint16(10, query.extended ? 1 : 0);
  return bytes;
}

/** An answer to what makes no sense: its number, and that it does not. */
export function writeFormatError(
  bytes: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const reply = new Uint8Array(HEADER_SIZE);
  reply.set(bytes.subarray(0, 2));
  viewOf(reply).setUint16(2, QR | RA | FORMERR);
  return reply;
}

/** A record for the name of the question, with an address. */
export function addressRecord(
  address: readonly number[],
  ttl: number,
): Uint8Array {
  const bytes = new Uint8Array(12 + address.length);
  const view = viewOf(bytes);
  view.setUint16(0, POINTER << 8 | HEADER_SIZE);
  view.setUint16(2, address.length === 4 ? TYPE_A : TYPE_AAAA);
  view.setUint16(4, CLASS_IN);
  view.setUint32(6, ttl);
  view.setUint16(10, address.length);
  bytes.set(address, 12);
  return bytes;
}
