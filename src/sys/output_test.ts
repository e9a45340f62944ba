import { assertEquals, assertGreater } from "@std/assert";
import { toCString } from "../abi/bytes.ts";
import { EAGAIN } from "../abi/errno.ts";
import { O_CLOEXEC, O_NOCTTY, O_NONBLOCK, O_RDWR } from "../abi/fcntl.ts";
import { TIOCGPTPEER, TIOCSPTLCK } from "../abi/ioctls.ts";
import { set } from "../abi/layout.ts";
import { RLIMIT64, RLIMIT_NOFILE } from "../abi/resource.ts";
import { close, open } from "./files.ts";
import { callNumber } from "./host.ts";
import { libc } from "./libc.ts";
import { Output, seeWhileWaiting } from "./output.ts";

Deno.test("Output.write() has limits looked at while a terminal takes no more", () => {
  const flags = O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
  const master = open(toCString("/dev/ptmx"), flags);
  libc.ioctl(master, TIOCSPTLCK, new Int32Array(1));
  const number = callNumber("ioctl");
  const terminal = libc.syscallIII(number, master, TIOCGPTPEER, flags);
  let looks = 0;
  seeWhileWaiting(() => {
    looks++;
    return false;
  });
  try {
    const output = new Output(terminal, { own: true });
    // More than it has room for.
    output.write(new Uint8Array(1 << 20).fill(120));
    assertEquals(output.failure, EAGAIN);
    assertGreater(looks, 1);
  } finally {
    seeWhileWaiting(() => false);
    close(terminal);
    close(master);
  }
});

Deno.test("Output.write() does not wait in the kernel for a terminal that cannot be opened again", () => {
  const flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
  const master = open(toCString("/dev/ptmx"), flags);
  libc.ioctl(master, TIOCSPTLCK, new Int32Array(1));
  const number = callNumber("ioctl");
  const terminal = libc.syscallIII(number, master, TIOCGPTPEER, flags);
  try {
    const output = withoutOpens(() => new Output(terminal, { own: false }));
    const done = output.write(new Uint8Array(1 << 20).fill(120));
    assertEquals(output.failure, EAGAIN);
    assertGreater(done, 0);
  } finally {
    close(terminal);
    close(master);
  }
});

/** Does something while no file can be opened, as a terminal of another user cannot. */
function withoutOpens<T>(act: () => T): T {
  const before = new Uint8Array(RLIMIT64.size);
  limitOpens(null, before);
  const none = before.slice();
  set(RLIMIT64, none, "rlim_cur", 0);
  limitOpens(none, null);
  try {
    return act();
  } finally {
    limitOpens(before, null);
  }
}

function limitOpens(now: Uint8Array | null, old: Uint8Array | null): void {
  libc.syscallIIBB(callNumber("prlimit64"), 0, RLIMIT_NOFILE, now, old);
}
