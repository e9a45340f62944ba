/** What a call's arguments were read from stays, or is not trusted. */

import { assertEquals } from "@std/assert";
import { PIN_SIZE, PIN_START } from "../src/abi/pin.ts";
import { SYSCALLS } from "../src/abi/syscalls.ts";
import { hostArch } from "../src/sys/host.ts";
import { TraceeMaps } from "../src/sys/task/maps.ts";
import { keepArguments } from "../src/trace/hold/private.ts";
import { nothing } from "../src/trace/look/looked.ts";
import { specOf } from "../src/trace/look/spec.ts";
import { place } from "../src/trace/path/place.ts";
import { PinRegion } from "../src/trace/tracee/pin.ts";
import { Registers } from "../src/trace/tracee/registers.ts";
import { fixture, start } from "./harness.ts";
import { hasMachine } from "./needs.ts";

const [major = 0, minor = 0] = Deno.osRelease().split(".").map(Number);

Deno.test({
  ...hasMachine(
    major > 6 || major === 6 && minor >= 11,
    "PROCMAP_QUERY",
    "keeps a path in memory that was given back, and trusts none in a file",
  ),
  fn: async () => {
    using maps = new TraceeMaps();
    const child = start([fixture("lose_memory")]);
    const output = child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    let text = "";
    while (!text.endsWith(".\n")) text += (await output.read()).value;
    const at = Object.fromEntries(
      Array.from(text.matchAll(/(.+) 0x(.+)\n/g), ([, kind = "", hex = ""]) => {
        return [kind, parseInt(hex, 16)];
      }),
    );
    const space = {
      ...{ tracees: 1, pins: new PinRegion(), maps },
      untold: false,
    };
    const registers = new Registers(hostArch());
    /** Whether a path of that kind of memory may go on as it is. */
    const keeps = (kind: string): boolean => {
      registers.setArgument(0, at[kind] ?? 0);
      const path = { written: "first/second", place: place("", "file") };
      return keepArguments(
        { tid: child.pid, space },
        registers,
        specOf(SYSCALLS.chmod),
        {
          ...nothing(),
          paths: [{ arg: 0, dirfd: -1, follows: true, ...path }],
        },
      );
    };
    const kinds = ["stack", "kept", "constant", "file", "shared", "closed"];
    assertEquals(kinds.map(keeps), [true, true, false, false, false, false]);
    // Somebody else had it, and was ended.
    space.untold = true;
    assertEquals(keeps("stack"), false);
    const input = child.stdin.getWriter();
    await input.write(new TextEncoder().encode("\n"));
    await input.close();
    // The kernel has taken what nobody kept.
    assertEquals(
      (await output.read()).value,
      "given first\nkept first/second\n",
    );
    await output.cancel();
    await child.stderr.cancel();
    await child.status;
  },
});

/** Maps what the first word says where the pinned pages would be, and waits. */
const IN_THE_PLACE = `import ctypes, sys
libc = ctypes.CDLL(None)
libc.mmap.restype = libc.mremap.restype = ctypes.c_void_p
at, size, kind = int(sys.argv[2]), int(sys.argv[3]), sys.argv[1]
def mmap(place, protection, flags):
  return libc.mmap(ctypes.c_void_p(place), ctypes.c_size_t(size), protection, flags, -1, ctypes.c_long(0))
if kind == "pages":
  there = mmap(at, 1, 0x100022)
else:
  was = mmap(0, 3, 0x4022 if kind == "unaccounted" else 0x22)
  ctypes.memset(was, 1, size)
  assert libc.mprotect(ctypes.c_void_p(was), ctypes.c_size_t(size), 1) == 0
  there = libc.mremap(ctypes.c_void_p(was), ctypes.c_size_t(size), ctypes.c_size_t(size), 3, ctypes.c_void_p(at))
assert there == at
print(flush=True)
input()
`;

for (
  const [kind, state] of [
    ["pages", "mapped"],
    ["written", "absent"],
    ["unaccounted", "absent"],
  ] as const
) {
  Deno.test(`PinRegion takes no memory for its pages that could be written at any time: ${kind}`, async () => {
    const child = start([
      ...["/usr/bin/python3", "-c", IN_THE_PLACE],
      ...[kind, `${PIN_START}`, `${PIN_SIZE}`],
    ]);
    const output = child.stdout.getReader();
    await output.read();
    const pins = new PinRegion();
    pins.state = "unsure";
    pins.settle(child.pid);
    assertEquals(pins.state, state);
    await child.stdin.close();
    await output.cancel();
    await child.stderr.cancel();
    await child.status;
  });
}
