/** Files in memory alone (memfd_create(2)), and how they are told from others. */

import { toCString } from "../abi/bytes.ts";
import { get } from "../abi/layout.ts";
import { MFD_CLOEXEC } from "../abi/memfd.ts";
import { HUGETLBFS_MAGIC, STAT, STATFS } from "../abi/stat.ts";
import { addressOf } from "./address.ts";
import { makeCall } from "./call.ts";
import { close, fstat, fstatfs } from "./files.ts";
import { callNumber } from "./host.ts";

const NAME = toCString("jail");

const stat = new Uint8Array(STAT.size);

/** The file system that the kernel has for them; -1 where it is not known yet. */
let device = -1;

/**
 * Whether a file is one in memory alone. By its name it is not told from one that was
 * removed: anybody may call a file in the root directory `memfd:x`.
 *
 * @param fd what the kernel calls `/memfd:…`
 */
export function isInMemory(fd: number): boolean {
  if (device < 0) device = ownDevice();
  if (fstat(fd, stat) < 0 || get(STAT, stat, "st_nlink") !== 0) return false;
  if (get(STAT, stat, "st_dev") === device) return true;
  // Of huge pages there is one for each size, and nobody has one as a root.
  const statfs = new Uint8Array(STATFS.size);
  return fstatfs(fd, statfs) >= 0 &&
    get(STATFS, statfs, "f_type") === HUGETLBFS_MAGIC;
}

/** Which file system a file in memory of jail's own is in; -1 where it gets none. */
function ownDevice(): number {
  const name = BigInt(addressOf(NAME));
  const fd = makeCall(callNumber("memfd_create"), [name, BigInt(MFD_CLOEXEC)]);
  if (fd < 0) return -1;
  const found = fstat(fd, stat) < 0 ? -1 : get(STAT, stat, "st_dev");
  close(fd);
  return found;
}
