/** The names of the machine. */

import { errnoName } from "../abi/errno.ts";
import { UTSNAME_SIZE } from "../abi/utsname.ts";
import { SystemCallError } from "../errors.ts";
import { libc, outcome } from "./libc.ts";

/** What uname(2) says: a `struct new_utsname`. */
export function readNames(): Uint8Array<ArrayBuffer> {
  const names = new Uint8Array(UTSNAME_SIZE);
  const result = outcome(libc().uname(names));
  if (result >= 0) return names;
  throw new SystemCallError(
    "read the system's names",
    "uname()",
    errnoName(-result),
  );
}
