/** The network interfaces that this process can use. */

import { fromText, toCString } from "../abi/bytes.ts";
import { rareLibc } from "./libc.ts";

/**
 * The index of a network interface. It is the socket layer that is asked: /sys shows
 * those of the network namespace that it was mounted in.
 *
 * @param name its name: `eth0`
 * @returns the index, or `undefined` where there is none of this name
 */
export function interfaceIndex(name: string): number | undefined {
  if (name.includes("\0")) return undefined;
  const index = rareLibc().if_nametoindex(toCString(fromText(name)));
  return index > 0 ? index : undefined;
}
