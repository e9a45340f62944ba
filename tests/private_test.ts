/** What a call's arguments were read from stays, or is not trusted. */

import { assertEquals } from "@std/assert";
import { SYSCALLS } from "../src/abi/syscalls.ts";
import { hostArch } from "../src/sys/host.ts";
import { TraceeMaps } from "../src/sys/maps.ts";
import { nothing } from "../src/trace/looked.ts";
import { PinRegion } from "../src/trace/pin.ts";
import { place } from "../src/trace/place.ts";
import { keepArguments } from "../src/trace/private.ts";
import { Registers } from "../src/trace/registers.ts";
import { specOf } from "../src/trace/spec.ts";
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
    const space = { tracees: 1, pins: new PinRegion(), maps };
    const registers = new Registers(hostArch());
    /** Whether a path of that kind of memory may go on as it is. */
    const keeps = (kind: string): boolean => {
      registers.setArgument(0, at[kind] ?? 0);
      const path = { written: "first/second", place: place("", "file") };
      return keepArguments(
        { tid: child.pid, space },
        registers,
        specOf(SYSCALLS.chmod),
        { ...nothing(), paths: [{ arg: 0, dirfd: -1, ...path }] },
      );
    };
    const kinds = ["stack", "kept", "constant", "file", "shared", "closed"];
    assertEquals(kinds.map(keeps), [true, true, false, false, false, false]);
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
