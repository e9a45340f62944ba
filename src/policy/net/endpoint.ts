/** Ends of connections: where a message goes, or where a socket listens. */

import { fromBytes, printable } from "../../abi/bytes.ts";
import type { FileKind } from "../call.ts";

/** The port of resolvers. */
export const DNS_PORT = 53;

/** One end of a connection, as a socket address names it. */
export type Endpoint =
  /** An IPv4 address and a port; also one that is written as `::ffff:a.b.c.d`. */
  | {
    readonly family: "inet";
    /** Its four bytes. */
    readonly address: readonly number[];
    readonly port: number;
    /** The names that it is known by, where rules name hosts. */
    readonly names?: readonly string[] | undefined;
    /** Whether it is a resolver of the system, in whose place jail answers. */
    readonly resolver?: boolean | undefined;
  }
  /** An IPv6 address and a port. */
  | {
    readonly family: "inet6";
    /** Its sixteen bytes. */
    readonly address: readonly number[];
    readonly port: number;
    /** The index of an interface, for addresses of one link alone; or 0. */
    readonly scope: number;
    /** The names that it is known by, where rules name hosts. */
    readonly names?: readonly string[] | undefined;
    /** Whether it is a resolver of the system, in whose place jail answers. */
    readonly resolver?: boolean | undefined;
  }
  /** A question to a resolver, for what a name has. */
  | {
    readonly family: "name";
    /** The name, as `hostName()` writes it. */
    readonly name: string;
    /** The resolver that is asked, if it is known. */
    readonly resolver?: Endpoint | undefined;
  }
  /** A unix socket that has a path. */
  | {
    readonly family: "unix";
    /** The real path, a byte string. */
    readonly path: string;
    /** What has that name now. */
    readonly kind: FileKind;
  }
  /**
   * A unix socket in the abstract namespace; without a name, one that the kernel
   * chooses.
   */
  | { readonly family: "abstract"; readonly name: string }
  /** A netlink socket: the kernel's own port is 0. */
  | {
    readonly family: "netlink";
    readonly port: number;
    readonly groups: number;
  }
  /** Nobody: AF_UNSPEC, by which connect(2) lets go of the other end. */
  | { readonly family: "none" }
  /** An address of another family, or one that is too short. */
  | { readonly family: "unknown"; readonly number: number };

/** What a call would do with an endpoint: send there, or receive there. */
export type NetAccess = "connect" | "listen";

/** One thing that a call would do with one endpoint. */
export interface NetUse {
  /** What it would do. */
  readonly access: NetAccess;
  /** With which. */
  readonly endpoint: Endpoint;
  /**
   * For listening: whether it only gives a socket a port that the kernel chooses,
   * as sending and connecting do: one for datagrams, whose sources are filtered, or
   * a stream, which gets it later.
   */
  readonly chosen?: boolean | undefined;
  /**
   * Whether the socket is known to be one of streams, such as TCP, or to be none.
   * That is found out for what binds and listens, and where a person is asked.
   */
  readonly stream?: boolean | undefined;
  /**
   * For connecting: whether a socket for datagrams only names an address, at port
   * 0, to learn which of its own would be used. Nothing can be sent by it then.
   */
  readonly portless?: boolean | undefined;
}

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** The IPv4 address in one of IPv6 (`::ffff:a.b.c.d`), or `undefined`. */
export function mappedAddress(
  address: readonly number[],
): readonly number[] | undefined {
  return address.length === 16 && MAPPED.every((byte, i) => address[i] === byte)
    ? address.slice(12)
    : undefined;
}

/** An address as IPv4 has it, where it is one of IPv6 that stands for that. */
export function unmapped(address: readonly number[]): readonly number[] {
  return mappedAddress(address) ?? address;
}

/**
 * Whether an address is one of each link, so that an interface tells which is meant:
 * fe80::/10, ff01::/16, ff02::/16. Of any other the kernel heeds none.
 */
export function isOfOneLink(address: readonly number[]): boolean {
  const [first = 0, second = 0] = address;
  return address.length === 16 &&
    (first === 0xfe && (second & 0xc0) === 0x80 ||
      first === 0xff && ((second & 0xf) === 1 || (second & 0xf) === 2));
}

/**
 * Whether an address of IPv4 is that of a group, or of all who hear: 224.0.0.0/4 or
 * 255.255.255.255. The kernel sends it by the interface of the sender's address.
 */
export function isOfMany(address: readonly number[]): boolean {
  return address.length === 4 && (((address[0] as number) & 0xf0) === 0xe0 ||
    address.every((byte) => byte === 255));
}

/** Whether an address is that of no interface: `0.0.0.0` or `::`. */
export function isUnspecified(address: readonly number[]): boolean {
  return address.every((byte) => byte === 0);
}

/** The loopback address of the same length. */
export function loopbackOf(address: readonly number[]): readonly number[] {
  return address.length === 4
    ? [127, 0, 0, 1]
    : [...Array<number>(15).fill(0), 1];
}

/** An endpoint as a policy writes it, safe for a terminal. */
export function endpointText(endpoint: Endpoint): string {
  switch (endpoint.family) {
    case "inet":
      return `${endpoint.address.join(".")}:${endpoint.port}${
        namesText(endpoint.names)
      }`;
    case "inet6": {
      const { address, port, scope } = endpoint;
      const zone = scope === 0 ? "" : `%${scope}`;
      return `[${inet6Text(address)}${zone}]:${port}${
        namesText(endpoint.names)
      }`;
    }
    case "name":
      return `dns:${endpoint.name}`;
    case "unix":
      return `unix:${printable(endpoint.path, 200)}`;
    case "abstract":
      return `unix:${printable(`@${endpoint.name}`, 200)}`;
    case "netlink":
      return `netlink:${endpoint.port}`;
    case "none":
      return "nobody";
    case "unknown":
      return `an address of family ${endpoint.number}`;
  }
}

/** More names than these of one address help nobody. */
const MOST_NAMES_SHOWN = 3;

function namesText(names: readonly string[] | undefined): string {
  if (names === undefined || names.length === 0) return "";
  const more = names.length > MOST_NAMES_SHOWN ? ", …" : "";
  return ` (${names.slice(0, MOST_NAMES_SHOWN).join(", ")}${more})`;
}

/** RFC 5952: the longest run of zeros is `::`. */
function inet6Text(address: readonly number[]): string {
  const groups = Array.from(
    { length: 8 },
    (_, i) => (address[2 * i] ?? 0) << 8 | (address[2 * i + 1] ?? 0),
  );
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const text = (from: number, to: number): string =>
    groups.slice(from, to).map((group) => group.toString(16)).join(":");
  return best.start < 0
    ? text(0, 8)
    : `${text(0, best.start)}::${text(best.start + best.length, 8)}`;
}

/**
 * Reads an IPv4 address: four numbers, as the C library reads them without
 * another meaning (`010` is octal to some).
 */
export function parseInet(text: string): readonly number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes = parts.map((part) =>
    /^(?:0|[1-9][0-9]{0,2})$/.test(part) ? Number(part) : 256
  );
  return bytes.every((byte) => byte < 256) ? bytes : undefined;
}

/** Reads an IPv6 address, `undefined` where it is none. */
export function parseInet6(text: string): readonly number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, i) =>
    readGroups(half, i === halves.length - 1)
  );
  if (head === undefined || (halves.length === 2 && tail === undefined)) {
    return undefined;
  }
  if (tail === undefined) return head.length === 16 ? head : undefined;
  const gap = 16 - head.length - tail.length;
  if (gap < 2) return undefined;
  return [...head, ...Array<number>(gap).fill(0), ...tail];
}

/** The bytes of groups between colons; the last may be an IPv4 address. */
function readGroups(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [i, group] of groups.entries()) {
    if (last && i === groups.length - 1 && group.includes(".")) {
      const inet = parseInet(group);
      if (inet === undefined) return undefined;
      bytes.push(...inet);
    } else if (/^[0-9a-f]{1,4}$/i.test(group)) {
      const value = parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    } else return undefined;
  }
  return bytes;
}

/**
 * Makes an endpoint of the bytes of an address of the internet.
 *
 * @param bytes four bytes, or sixteen
 * @param port the port
 * @param scope the index of an interface, or 0; it counts for addresses of one link
 */
export function internetEndpoint(
  bytes: Uint8Array,
  port: number,
  scope: number,
): Endpoint {
  const address = [...bytes];
  if (address.length === 4) return { family: "inet", address, port };
  const mapped = mappedAddress(address);
  if (mapped !== undefined) return { family: "inet", address: mapped, port };
  return {
    ...{ family: "inet6", address, port },
    scope: isOfOneLink(address) ? scope : 0,
  };
}

/** The name of an abstract socket, from its bytes behind the NUL. */
export function abstractEndpoint(bytes: Uint8Array): Endpoint {
  return { family: "abstract", name: fromBytes(bytes) };
}
