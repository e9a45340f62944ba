import { assertEquals } from "@std/assert";
import { addressOf } from "../address.ts";
import { TraceeMaps } from "./maps.ts";

/** Where something is mapped in this process, by a line of `/proc/self/maps`. */
function find(line: RegExp): number {
  const maps = Deno.readTextFileSync("/proc/self/maps");
  return parseInt(line.exec(maps)?.[1] ?? "", 16);
}

const [major = 0, minor = 0] = Deno.osRelease().split(".").map(Number);
const isOld = major < 6 || major === 6 && minor < 11;

Deno.test({
  name: "TraceeMaps says where memory is of a file",
  ignore: isOld,
}, () => {
  using maps = new TraceeMaps();
  const library = find(/^([0-9a-f]+)-\S+ r-xp \S+ \S+ \d+ +\/.*libc\.so.*$/m);
  const written = find(/^([0-9a-f]+)-\S+ rw-p \S+ \S+ \d+ +\/.*libc\.so.*$/m);
  const stack = find(/^([0-9a-f]+)-\S+ rw-p \S+ \S+ \d+ +\[stack\]$/m);
  const bytes = addressOf(new Uint8Array(1 << 20));
  assertEquals(
    [library, written, stack, bytes].map((at) => maps.isOfFile(Deno.pid, at)),
    [true, true, false, false],
  );
});
