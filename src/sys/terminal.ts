/** The terminal that this process is controlled by. */

import { fromText, toCString } from "../abi/bytes.ts";
import { O_CLOEXEC, O_NOCTTY, O_RDONLY } from "../abi/fcntl.ts";
import { TIOCGPGRP } from "../abi/ioctls.ts";
import { close, open } from "./files.ts";
import { libc, outcome } from "./libc.ts";
import { getpgid } from "./task.ts";

const TTY = toCString(fromText("/dev/tty"));

/** Whether this process is in the group that its terminal listens to. */
export function isForeground(): boolean {
  const fd = open(TTY, O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return false;
  const group = new Int32Array(1);
  const result = outcome(libc().ioctl(fd, TIOCGPGRP, group));
  close(fd);
  return result >= 0 && group[0] === getpgid(0);
}
