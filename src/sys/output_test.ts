import { assertEquals, assertGreater } from "@std/assert";
import { toCString } from "../abi/bytes.ts";
import { EAGAIN } from "../abi/errno.ts";
import { O_CLOEXEC, O_NOCTTY, O_NONBLOCK, O_RDWR } from "../abi/fcntl.ts";
import { TIOCGPTPEER, TIOCSPTLCK } from "../abi/ioctls.ts";
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
