/** What messages of DNS are made of: RFC 1035. */

import { hostName } from "./host.ts";

// Types of records: IANA, "DNS Parameters".
/** An IPv4 address. */
export const TYPE_A = 1;
/** Another name. */
export const TYPE_CNAME = 5;
/** An IPv6 address. */
export const TYPE_AAAA = 28;
/** EDNS: RFC 6891. */
export const TYPE_OPT = 41;
const TYPE_IXFR = 251;
const TYPE_AXFR = 252;

/**
 * Types that are asked for where names are what rules allow: what a client of a
 * name needs.
 */
const USUAL_TYPES: ReadonlyMap<number, string> = new Map([
  [TYPE_A, "A"],
  [2, "NS"],
  [TYPE_CNAME, "CNAME"],
  [6, "SOA"],
  [12, "PTR"],
  [15, "MX"],
  [16, "TXT"],
  [TYPE_AAAA, "AAAA"],
  [33, "SRV"],
  [64, "SVCB"],
  [65, "HTTPS"],
]);

// Results: RFC 1035, 4.1.1.
/** There is no error. */
export const NOERROR = 0;
/** The question makes no sense. */
export const FORMERR = 1;
/** There is no answer now. */
export const SERVFAIL = 2;
/** There is no such name. */
export const NXDOMAIN = 3;
/** Such questions are not answered. */
export const NOTIMP = 4;
/** The question is refused. */
export const REFUSED = 5;

/** The class of the internet. */
export const CLASS_IN = 1;
/** A header, in bytes: RFC 1035, 4.1.1. */
export const HEADER_SIZE = 12;
/** The most that jail itself takes and gives by UDP: DNS Flag Day 2020. */
export const MOST_SIZE = 1232;
const MOST_NAME = 255;

// Flags of a header: RFC 1035, 4.1.1.
/** It is an answer. */
export const QR = 0x8000;
/** What kind of question it is; 0 for one that asks for records. */
export const OPCODE = 0x7800;
/** It was too long for UDP. */
export const TC = 0x0200;
/** The resolver is to ask others. */
export const RD = 0x0100;
/** It does. */
export const RA = 0x0080;
/** The result. */
export const RCODE = 0x000f;

/** Whether a type of records is one that a client of a name needs. */
export function isUsual(type: number): boolean {
  return USUAL_TYPES.has(type);
}

/**
 * Whether a type can be asked for at all: records, and not what is about a message
 * or a zone.
 */
export function isAskable(type: number): boolean {
  return type !== 0 && type !== TYPE_OPT && type !== TYPE_IXFR &&
    type !== TYPE_AXFR;
}

/** A type as a person reads it. */
export function typeText(type: number): string {
  return USUAL_TYPES.get(type) ?? `TYPE${type}`;
}

/**
 * The record of EDNS that jail sends: how long a message it takes, and nothing
 * else.
 */
export const OPT: readonly number[] = [
  ...[0, 0, TYPE_OPT, MOST_SIZE >> 8, MOST_SIZE & 0xff],
  ...[0, 0, 0, 0, 0, 0],
];

/** The numbers in a message, which are big-endian. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The two bits that make a length a pointer: RFC 1035, 4.1.4. */
export const POINTER = 0xc0;

/** A name in a message. */
export interface NameRead {
  /** The name, as `hostName()` writes it; `undefined` where it is none of a host. */
  readonly text: string | undefined;
  /** Where what follows it begins. */
  readonly next: number;
}

/**
 * Reads a name. A pointer leads before everything of the name that was read so
 * far, so the end is always reached.
 *
 * @param bytes the message
 * @param start where the name is
 * @param compressed whether it may lead to another place
 * @returns `undefined` where it makes no sense
 */
export function readName(
  bytes: Uint8Array,
  start: number,
  compressed: boolean,
): NameRead | undefined {
  const labels: string[] = [];
  let strange = false;
  let length = 1;
  let next = -1;
  let first = start;
  for (let at = start;;) {
    const size = bytes[at];
    if (size === undefined) return undefined;
    if ((size & POINTER) === POINTER) {
      const low = bytes[at + 1];
      if (!compressed || low === undefined) return undefined;
      if (next < 0) next = at + 2;
      at = (size & ~POINTER) << 8 | low;
      if (at >= first || at < HEADER_SIZE) return undefined;
      first = at;
      continue;
    }
    if (size >= 64) return undefined;
    if (size === 0) {
      const text = strange ? undefined : hostName(labels.join("."));
      return { text, next: next < 0 ? at + 1 : next };
    }
    length += size + 1;
    if (length > MOST_NAME || at + 1 + size > bytes.length) return undefined;
    const label = String.fromCharCode(...bytes.subarray(at + 1, at + 1 + size));
    // A dot in a label is no end of it.
    strange ||= label.includes(".");
    labels.push(label);
    at += 1 + size;
  }
}

/** A record in a message. */
export interface DnsRecord {
  /** The name that it belongs to, as `hostName()` writes it. */
  readonly owner: string | undefined;
  /** Its type. */
  readonly type: number;
  /** Its class. */
  readonly class: number;
  /** How long it is good for, in seconds. */
  readonly ttl: number;
  /** Where its data begin. */
  readonly data: number;
  /** Where what follows it begins. */
  readonly next: number;
}

/** Reads a record; `undefined` where it makes no sense. */
export function readRecord(
  bytes: Uint8Array,
  start: number,
): DnsRecord | undefined {
  const name = readName(bytes, start, true);
  if (name === undefined || name.next + 10 > bytes.length) return undefined;
  const view = viewOf(bytes);
  const data = name.next + 10;
  const next = data + view.getUint16(name.next + 8);
  if (next > bytes.length) return undefined;
  return {
    ...{ owner: name.text, data, next },
    type: view.getUint16(name.next),
    class: view.getUint16(name.next + 2),
    // RFC 2181, 8: with the first bit set it is 0.
    ttl: Math.max(0, view.getInt32(name.next + 4)),
  };
}
