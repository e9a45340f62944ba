/** The files that say how names are found: resolv.conf(5) and hosts(5). */

import {
  isUnspecified,
  loopbackOf,
  parseInet,
  parseInet6,
  unmapped,
} from "./endpoint.ts";
import { hostName } from "./host.ts";

/** An address as a file says it. */
export interface HostAddress {
  /** Four bytes, or sixteen; never IPv4 as IPv6. */
  readonly address: readonly number[];
  /** The interface by its name or index; or "". */
  readonly zone: string;
}

/** The C library asks no more of them: MAXNS in <resolv.h>. */
const MOST_RESOLVERS = 3;

/** Who is asked where no file says so. */
const LOOPBACK: HostAddress = { address: [127, 0, 0, 1], zone: "" };

/**
 * The resolvers of a resolv.conf(5).
 *
 * @param text the file
 * @returns their addresses, at least one
 */
export function readResolvers(text: string): readonly HostAddress[] {
  const found = text.split("\n").flatMap((line) => {
    const [keyword, value = ""] = line.split(/[\s;#]+/);
    return keyword === "nameserver" ? readAddress(value).map(aimed) : [];
  });
  return found.length === 0 ? [LOOPBACK] : found.slice(0, MOST_RESOLVERS);
}

/**
 * The names of a hosts(5).
 *
 * @param text the file
 * @returns each name, as `hostName()` writes it, with an address that it has
 */
export function readHosts(
  text: string,
): readonly (HostAddress & { readonly name: string })[] {
  return text.split("\n").flatMap((line) => {
    const [value = "", ...words] = line.replace(/#.*/, "").trim().split(/\s+/);
    return readAddress(value).flatMap((address) =>
      words.flatMap((word) => {
        const name = hostName(word);
        return name === undefined ? [] : [{ ...address, name }];
      })
    );
  });
}

/**
 * The names of a hosts(5) by address. Lists of what is to be reached nowhere have a
 * hundred thousand of one address.
 *
 * @param text the file
 * @returns the names of each address, which is written as `join(".")` has it
 */
export function namesByAddress(
  text: string,
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { address, name } of readHosts(text)) {
    const key = address.join(".");
    const names = found.get(key);
    if (names === undefined) found.set(key, [name]);
    else names.push(name);
  }
  return found;
}

/** Whoever sends to the unspecified address (0.0.0.0, ::) reaches the loopback. */
function aimed(one: HostAddress): HostAddress {
  const { address } = one;
  return isUnspecified(address)
    ? { ...one, address: loopbackOf(address) }
    : one;
}

function readAddress(text: string): HostAddress[] {
  const [plain = "", zone = ""] = text.split("%");
  const address = parseInet(plain) ?? parseInet6(plain);
  if (address === undefined || plain === "") return [];
  return [{ address: unmapped(address), zone }];
}
