/** The working directory. */

import { errnoName } from "../abi/errno.ts";
import { SystemCallError } from "../errors.ts";
import { workingDirectory } from "../sys/proc.ts";

/** The working directory of this process, a byte string. */
export function currentDirectory(): string {
  const directory = workingDirectory();
  if (typeof directory === "string") return directory;
  throw new SystemCallError(
    "find the working directory",
    "getcwd()",
    errnoName(-directory),
    "change to a directory that exists",
  );
}
