/** The network interfaces of this machine. */

import { fromBytes, fromText, toText } from "../abi/bytes.ts";
import { readFile } from "./files.ts";

/**
 * The index of a network interface.
 *
 * @param name its name: `eth0`
 * @returns the index, or `undefined` where there is none of this name
 */
export function interfaceIndex(name: string): number | undefined {
  if (name === "." || name === ".." || /[/\0]/.test(name)) return undefined;
  const bytes = readFile(`/sys/class/net/${fromText(name)}/ifindex`, 16);
  if (typeof bytes === "number") return undefined;
  const index = Number(toText(fromBytes(bytes)));
  return Number.isInteger(index) && index > 0 ? index : undefined;
}
