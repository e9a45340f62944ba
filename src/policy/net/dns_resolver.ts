/** What a resolver is asked by DNS, and what it answers. */

import {
  CLASS_IN,
  HEADER_SIZE,
  type NameRead,
  OPCODE,
  OPT,
  QR,
  RCODE,
  RD,
  readName,
  readRecord,
  TC,
  TYPE_A,
  TYPE_AAAA,
  TYPE_CNAME,
  viewOf,
} from "./dns.ts";

/** How many aliases lead from a name to its addresses at most. */
const MOST_ALIASES = 16;

/** An address in an answer. */
export interface FoundAddress {
  /** Four bytes, or sixteen. */
  readonly address: readonly number[];
  /** How long it is good for, in seconds. */
  readonly ttl: number;
}

/** What a resolver answered. */
export interface DnsAnswer {
  /** The result. */
  readonly code: number;
  /** Whether it was too long for UDP. */
  readonly truncated: boolean;
  /** The addresses of the name, or of what it is an alias for. */
  readonly addresses: readonly FoundAddress[];
  /** How many records its first two sections have. */
  readonly counts: readonly [number, number];
  /** These sections; names in them lead back to the question. */
  readonly records: Uint8Array;
}

/**
 * Writes a message that asks a resolver.
 *
 * @param id its number, which nobody should guess
 * @param name the name, as `hostName()` writes it
 * @param type the type of records
 * @param extended whether it says by EDNS (RFC 6891) how long an answer may be
 */
export function writeQuery(
  id: number,
  name: string,
  type: number,
  extended = true,
): Uint8Array<ArrayBuffer> {
  const opt = extended ? OPT : [];
  const bytes = new Uint8Array(HEADER_SIZE + name.length + 2 + 4 + opt.length);
  const view = viewOf(bytes);
  view.setUint16(0, id);
  view.setUint16(2, RD);
  view.setUint16(4, 1);
  view.setUint16(10, extended ? 1 : 0);
  let at = HEADER_SIZE;
  for (const label of name.split(".")) {
    bytes[at++] = label.length;
    for (let i = 0; i < label.length; i++) bytes[at++] = label.charCodeAt(i);
  }
  at++;
  view.setUint16(at, type);
  view.setUint16(at + 2, CLASS_IN);
  bytes.set(opt, at + 4);
  return bytes;
}

/**
 * Reads what came back for a query of jail's own.
 *
 * @param bytes the message
 * @param query what was asked, as {@linkcode writeQuery} wrote it
 * @returns the answer; `malformed` where it makes no sense; `undefined` where it
 *   answers something else
 */
export function readAnswer(
  bytes: Uint8Array,
  query: Uint8Array,
): DnsAnswer | "malformed" | undefined {
  const { text: name, next } = readName(query, HEADER_SIZE, false) as NameRead;
  const end = next + 4;
  if (bytes.length < end) return undefined;
  const view = viewOf(bytes);
  const flags = view.getUint16(2);
  const asked = (flags & (QR | OPCODE)) === QR && view.getUint16(4) === 1 &&
    bytes[0] === query[0] && bytes[1] === query[1];
  if (!asked || !isSameQuestion(bytes, query, end)) return undefined;
  const counts = [view.getUint16(6), view.getUint16(8)] as const;
  const aliases = new Map<string, string>();
  const found: { owner: string; address: readonly number[]; ttl: number }[] =
    [];
  let at = end;
  for (let i = 0; i < counts[0] + counts[1]; i++) {
    const record = readRecord(bytes, at);
    if (record === undefined) return "malformed";
    at = record.next;
    const { owner, type, data, ttl } = record;
    if (i >= counts[0] || record.class !== CLASS_IN) continue;
    if (type === TYPE_A || type === TYPE_AAAA) {
      const address = [...bytes.subarray(data, at)];
      if (address.length !== (type === TYPE_A ? 4 : 16)) return "malformed";
      if (owner !== undefined) found.push({ owner, address, ttl });
    } else if (type === TYPE_CNAME) {
      const alias = readName(bytes, data, true);
      if (alias?.next !== at) return "malformed";
      if (owner !== undefined && alias.text !== undefined) {
        aliases.set(owner, alias.text);
      }
    }
  }
  const owners = new Set<string>();
  for (
    let owner = name;
    owner !== undefined && owners.size <= MOST_ALIASES && !owners.has(owner);
    owner = aliases.get(owner)
  ) {
    owners.add(owner);
  }
  return {
    code: flags & RCODE,
    truncated: (flags & TC) !== 0,
    addresses: found.filter(({ owner }) => owners.has(owner)),
    counts,
    records: bytes.subarray(end, at),
  };
}

/** Whether a message begins with the same question; its case may differ. */
function isSameQuestion(
  bytes: Uint8Array,
  query: Uint8Array,
  end: number,
): boolean {
  for (let at = HEADER_SIZE; at < end; at++) {
    const a = bytes[at] as number;
    const isUpper = a >= 0x41 && a <= 0x5a && at < end - 4;
    if ((isUpper ? a | 0x20 : a) !== query[at]) return false;
  }
  return true;
}
