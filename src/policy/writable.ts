/** Which files a policy could let a program write, whatever the call. */

import { DEVICE_NUMBERS } from "../abi/devices.ts";
import type { Call } from "./call.ts";
import type { Decision } from "./decision.ts";
import type { Policy } from "./policy.ts";

/** Where there are terminals, and no files. */
const TERMINALS = "/dev/pts";

/**
 * Whether a path could be written, and the file that has it and other names.
 *
 * @param path the real path of a file or a directory, a byte string
 * @param links how many names it has: others could lie where they may be written
 */
export type MayWrite = (path: string, links: number) => boolean;

/**
 * Makes it from a policy.
 *
 * @param policy the policy
 * @param decide what decides by it
 * @param asks whether somebody is asked where that refuses
 */
export function writableBy(
  { write }: Pick<Policy, "write">,
  decide: (call: Call) => Decision,
  asks: boolean,
): MayWrite {
  const writesFiles = write.allow.some(({ pattern }) =>
    !DEVICE_NUMBERS.has(pattern) && pattern !== TERMINALS
  );
  return (path, links) => {
    if (asks || links > 1 && writesFiles) return true;
    const uses = [{ access: "write", path, kind: "file" }] as const;
    const decision = decide({ name: "openat", uses });
    // Where a rule about the call refuses it, others could do it.
    return decision.kind === "allow" || decision.use !== 0;
  };
}
