import { assertEquals } from "@std/assert";
import { addressOf } from "./address.ts";
import { TraceeMaps } from "./maps.ts";

/** Where something is mapped in this process, by a line of `/proc/self/maps`. */
function find(line: RegExp): { address: number; name: string; inode: bigint } {
  const maps = Deno.readTextFileSync("/proc/self/maps");
  const [, address = "", inode = "", name = ""] = line.exec(maps) ?? [];
  return { address: parseInt(address, 16), name, inode: BigInt(inode) };
}

const [major = 0, minor = 0] = Deno.osRelease().split(".").map(Number);
const isOld = major < 6 || major === 6 && minor < 11;

Deno.test({
  name: "TraceeMaps says which file is mapped, and where none is",
  ignore: isOld,
}, () => {
  using maps = new TraceeMaps();
  const { address, ...file } = find(
    /^([0-9a-f]+)-\S+ r-xp \S+ \S+ (\d+) +(\/.*libc\.so.*)$/m,
  );
  assertEquals(maps.fileAt(Deno.pid, address), file);
  const bytes = new Uint8Array(1 << 20);
  assertEquals(maps.fileAt(Deno.pid, addressOf(bytes)), "none");
  const stack = find(/^([0-9a-f]+)-\S+ rw-p \S+ \S+ (\d+) +(\[stack\])$/m);
  assertEquals(maps.fileAt(Deno.pid, stack.address), "none");
});
