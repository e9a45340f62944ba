/** The language of rules about the network: `10.0.0.0/8:443`, `unix:/run/*.sock`. */

import { fromText } from "../../abi/bytes.ts";
import { GlobError } from "../path/glob.ts";
import { parseSegment } from "../path/segment.ts";
import {
  isOfOneLink,
  mappedAddress,
  parseInet,
  parseInet6,
} from "./endpoint.ts";
import { hostName, parseHost } from "./host.ts";

/** Ports, the last one included. */
export interface Ports {
  /** The lowest. */
  readonly first: number;
  /** The highest. */
  readonly last: number;
}

/** One thing that a rule about the network covers. */
export type NetPattern =
  /** What `true` means: every address, and unix sockets as the rules of files say. */
  | { readonly kind: "all" }
  /** Every address of IPv4 and IPv6. */
  | { readonly kind: "any"; readonly ports: Ports }
  /** The addresses that begin like this one. */
  | {
    readonly kind: "address";
    /** Four bytes, or sixteen; never IPv4 as IPv6. */
    readonly address: readonly number[];
    /** How many bits of it count. */
    readonly bits: number;
    /** The interface by its name or index, for addresses of one link; or "". */
    readonly zone: string;
    readonly ports: Ports;
  }
  /** A host by its name: the addresses that the system's resolvers give for it. */
  | {
    readonly kind: "name";
    /** As `hostName()` writes it. */
    readonly name: string;
    /** Whether all names beneath it are meant as well. */
    readonly wildcard: boolean;
    readonly ports: Ports;
  }
  /** Unix sockets with such a path: a pattern that `parseGlob` takes. */
  | { readonly kind: "unix"; readonly pattern: string }
  /** Abstract unix sockets with such a name: a pattern that `parseSegment` takes. */
  | { readonly kind: "abstract"; readonly pattern: string };

/** Every port. */
export const ALL_PORTS: Ports = { first: 0, last: 65535 };

/** The patterns that a rule without an address means. */
export const EVERYTHING: readonly NetPattern[] = [{ kind: "all" }];

const EXAMPLES = "write an address, such as 192.0.2.1:443, 10.0.0.0/8, " +
  "[2001:db8::1]:80, localhost:8000-8100, *:443 or unix:/run/x.sock, " +
  "or a name, such as example.org:443";

/** Words for many addresses, or for none, that elsewhere are no names of hosts. */
const WORDS: ReadonlySet<string> = new Set(
  ("all any everything everyone external global icmp inet inet4 inet6 internal " +
    "internet intranet ip ip4 ip6 ipv4 ipv6 lan linklocal link-local local " +
    "loopback multicast none private public tcp udp unix vsock wan world")
    .split(" "),
);

/**
 * Reads one rule about the network.
 *
 * @param text the rule as it is written
 * @param unixPattern makes a pattern of the path behind `unix:`
 * @param refuses whether the rule refuses: `localhost` is then all of 127.0.0.0/8
 * @returns what it covers: two things for `localhost`
 * @throws {GlobError} when it makes no sense
 */
export function parseNet(
  text: string,
  unixPattern: (path: string) => string,
  refuses = false,
): readonly NetPattern[] {
  if (text.startsWith("unix:")) return [parseUnix(text, unixPattern)];
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    throw new GlobError(
      `"${text}" is a URL, and a rule is about an address`,
      EXAMPLES,
    );
  }
  const { host, prefix, port } = split(text);
  const ports = port === undefined ? ALL_PORTS : parsePorts(port, text);
  if (host === "*" || hostName(host) === "localhost") {
    if (prefix !== undefined) {
      throw new GlobError(`"${host}" has no prefix`, `write "${host}" alone`);
    }
    if (host === "*") return [{ kind: "any", ports }];
    const loopback = refuses
      ? { address: [127, 0, 0, 0], bits: 8 }
      : { address: [127, 0, 0, 1], bits: 32 };
    const loopback6 = { address: parseInet6("::1") ?? [], bits: 128 };
    return [loopback, loopback6].map((one) => ({
      ...{ kind: "address", ...one, zone: "", ports },
    }));
  }
  if (host.startsWith("[") || /^[0-9.]+$/.test(host)) {
    return [parseAddress(text, host, prefix, ports)];
  }
  if (prefix !== undefined) {
    throw new GlobError(`"${host}" has no prefix`, `write "${host}" alone`);
  }
  if (refuses && WORDS.has(host.toLowerCase())) {
    throw new GlobError(
      `"${host}" is the name of a host here`,
      `write addresses, "*" for all of them, or "${host}." for such a host`,
    );
  }
  const named = parseHost(host);
  if (named !== undefined) return [{ kind: "name", ...named, ports }];
  throw new GlobError(
    `"${text}" is no address, and no name of a host`,
    EXAMPLES,
  );
}

function parseUnix(
  text: string,
  unixPattern: (path: string) => string,
): NetPattern {
  const rest = text.slice("unix:".length);
  if (rest === "" || rest === "@") {
    throw new GlobError(
      `"${text}" names no socket`,
      "write unix:/run/x.sock, unix:@name, or unix:@* for all abstract names",
    );
  }
  if (!rest.startsWith("@")) {
    return { kind: "unix", pattern: unixPattern(rest) };
  }
  if (/(?<!\\)(?:[{|}]|\s$)/.test(rest)) {
    throw new GlobError(
      `"${text}" has a brace, a bar or a blank at its end, which mean themselves`,
      'write a rule for each name, and "\\" before what the name has of these',
    );
  }
  const pattern = fromText(rest.slice(1));
  parseSegment(pattern);
  return { kind: "abstract", pattern };
}

/** Splits a rule at its brackets, its slash and its last colon. */
function split(
  text: string,
): { host: string; prefix: string | undefined; port: string | undefined } {
  const found = /^(\[[^\]]*\]|[^:/]*)(?:\/([^:/]*))?(?::(.*))?$/.exec(text);
  if (found === null || found[3]?.includes(":") === true) {
    if (parseInet6(text.replace(/[%/].*$/, "")) !== undefined) {
      throw new GlobError(
        `an IPv6 address needs brackets`,
        `write "[${text.replace(/\/.*$/, "")}]${
          /\/.*$/.exec(text)?.[0] ?? ""
        }", and a port behind them`,
      );
    }
    throw new GlobError(`"${text}" is no address`, EXAMPLES);
  }
  const [, host = "", prefix, port] = found;
  if (host === "") {
    throw new GlobError(
      `"${text}" has no address`,
      port === undefined ? EXAMPLES : `write "*:${port}" for every address`,
    );
  }
  return { host, prefix, port };
}

function parsePorts(port: string, text: string): Ports {
  const [, from, to = from] = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(port) ??
    [];
  const first = Number(from);
  const last = Number(to);
  if (from === undefined || first > 65535 || last > 65535) {
    throw new GlobError(
      `"${port}" is no port`,
      port === "*" || port === ""
        ? `write "${text.slice(0, -port.length - 1)}" for every port`
        : "a port is a number from 0 to 65535, or two with a dash between them",
    );
  }
  if (last < first) {
    throw new GlobError(
      `the ports "${port}" run backwards`,
      `write "${last}-${first}"`,
    );
  }
  return { first, last };
}

function parseAddress(
  text: string,
  host: string,
  prefix: string | undefined,
  ports: Ports,
): NetPattern {
  const inBrackets = host.startsWith("[") ? host.slice(1, -1) : undefined;
  const [plain = "", ...zones] = (inBrackets ?? host).split("%");
  const read = inBrackets === undefined ? parseInet(host) : parseInet6(plain);
  if (read === undefined) throw noAddress(text, host, inBrackets);
  const zone = zones.join("%");
  const mapped = mappedAddress(read);
  const whole = 8 * read.length;
  let bits = prefix === undefined ? whole : Number(prefix);
  if (!/^[0-9]{1,3}$/.test(prefix ?? "0") || bits > whole) {
    throw new GlobError(
      `"/${prefix}" is no length of a prefix`,
      `it is a number from 0 to ${whole}`,
    );
  }
  let address = read;
  if (mapped !== undefined) {
    if (bits < 96) {
      throw new GlobError(
        `"${text}" cuts through the IPv4 addresses`,
        "write them as IPv4, such as 10.0.0.0/8",
      );
    }
    address = mapped;
    bits -= 96;
  }
  const masked = maskAddress(address, bits);
  if (masked.some((byte, i) => byte !== address[i])) {
    throw new GlobError(
      `"${host}" has bits beyond its prefix of ${prefix}`,
      address.length === 4 && mapped === undefined
        ? `write "${masked.join(".")}/${bits}"`
        : "make them 0, or the prefix longer",
    );
  }
  if (zones.length > 0) needsLink(address, zone);
  return { kind: "address", address, bits, zone, ports };
}

/** An interface means something for addresses of one link alone. */
function needsLink(address: readonly number[], zone: string): void {
  if (zone === "" || /[\s/\0]/.test(zone)) {
    throw new GlobError(`"%${zone}" names no interface`, "write %eth0, or %2");
  }
  if (isOfOneLink(address)) return;
  throw new GlobError(
    `"%${zone}" means nothing for an address that is not of one link`,
    "leave it out",
  );
}

function noAddress(
  text: string,
  host: string,
  inBrackets: string | undefined,
): GlobError {
  if (inBrackets !== undefined) {
    return new GlobError(
      `"${inBrackets}" is no IPv6 address`,
      parseInet(inBrackets) === undefined
        ? "write it like [2001:db8::1]:443"
        : "IPv4 stands without brackets",
    );
  }
  if (/^[0-9.]+$/.test(host)) {
    return new GlobError(
      `"${host}" is no IPv4 address`,
      "it is four numbers from 0 to 255, without zeros in front",
    );
  }
  return new GlobError(`"${text}" is no address`, EXAMPLES);
}

/** The first bits of an address, with zeros behind them. */
function maskAddress(
  address: readonly number[],
  bits: number,
): readonly number[] {
  return address.map((byte, i) => byte & byteMask(bits - 8 * i));
}

/** The mask of one byte of which so many bits count. */
export function byteMask(bits: number): number {
  if (bits >= 8) return 0xff;
  return bits <= 0 ? 0 : 0xff00 >> bits & 0xff;
}
