/** What kind of socket a descriptor of this process is. */

import { get } from "../abi/layout.ts";
import { SO_TYPE, SOCK_STREAM, SOL_SOCKET } from "../abi/socket.ts";
import { S_IFMT, S_IFSOCK, STAT } from "../abi/stat.ts";
import { fstat } from "./files.ts";
import { outcome, rareLibc } from "./libc.ts";

/**
 * Whether messages through a descriptor can go to one place alone: it is no
 * socket, or a stream, whose messages take no address. Those that connect first
 * (MSG_FASTOPEN) are the filter's to refuse, since the socket may be a server's,
 * and one that listens can be made to listen no more.
 *
 * @param fd a descriptor of this process
 * @returns whether that is so; `false` where it cannot be told
 */
export function isStreamOrNoSocket(fd: number): boolean {
  const status = new Uint8Array(STAT.size);
  if (fstat(fd, status) < 0) return true; // not open: nothing goes through it
  if ((get(STAT, status, "st_mode") & S_IFMT) !== S_IFSOCK) return true;
  const type = new Int32Array(1);
  const size = new Uint32Array([4]);
  const result = outcome(
    rareLibc().getsockopt(fd, SOL_SOCKET, SO_TYPE, type, size),
  );
  return result === 0 && type[0] === SOCK_STREAM;
}
