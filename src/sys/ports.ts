/** The ports that the kernel chooses from, where a socket is given none: ip(7). */

import { fromBytes } from "../abi/bytes.ts";
import { readFile } from "./files.ts";

/** Where the settings are; those of IPv6 are the same. */
const SETTINGS = "/proc/sys/net/ipv4";

/** More than each of them has, in bytes. */
const MOST = 1 << 20;

/**
 * Whether the kernel may choose a port. Whoever wants a certain one of these has it
 * in the end, by letting the kernel choose again and again.
 *
 * @param port the port, not 0
 * @returns false also where the kernel does not say
 */
export function mayBeChosen(port: number): boolean {
  const isWithin = ([first = 0, last = first]: readonly number[]): boolean =>
    first <= port && port <= last;
  const [range = []] = setting("ip_local_port_range", /\s+/);
  return isWithin(range) &&
    !setting("ip_local_reserved_ports", "-").some(isWithin);
}

/** A setting: the parts between commas, and the numbers in each. */
function setting(name: string, between: string | RegExp): number[][] {
  const bytes = readFile(`${SETTINGS}/${name}`, MOST);
  const text = typeof bytes === "number" ? "" : fromBytes(bytes).trim();
  if (text === "") return [];
  return text.split(",").map((part) => part.split(between).map(Number));
}
