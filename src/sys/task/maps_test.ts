import { assert, assertEquals } from "@std/assert";
import { fromText, toBytes } from "../../abi/bytes.ts";
import { addressOf } from "../address.ts";
import { mappedFiles, pathsOf, TraceeMaps } from "./maps.ts";

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

const LINE = "7f00-7f10 r-xp 00000000 fe:00 123456";

for (
  const [what, text, paths] of [
    ["nothing in no text", "", []],
    ["a file", `${LINE}                    /usr/bin/true\n`, ["/usr/bin/true"]],
    ["a line without an end", `${LINE} /usr/bin/true`, ["/usr/bin/true"]],
    [
      "a file once for segments that follow each other",
      `${LINE} /a\n${LINE} /a\n${LINE} /b\n${LINE} /a\n`,
      ["/a", "/b", "/a"],
    ],
    [
      "no file in memory of none",
      `${LINE}\n${LINE} \n7f00-7f10 rw-p 00000000 00:00 0 [stack]\n`,
      [],
    ],
    [
      "names with blanks, returns, and bytes that are no text",
      `${LINE} /a b/ c\n${LINE} /a\rb\n${LINE} /\xfc\xff\n${LINE} /x (deleted)\n`,
      ["/a b/ c", "/a\rb", "/\xfc\xff", "/x (deleted)"],
    ],
  ] as const
) {
  Deno.test(`pathsOf() finds ${what}`, () => {
    assertEquals(pathsOf(toBytes(text)), paths);
  });
}

Deno.test("mappedFiles() finds what this process runs", () => {
  const files = mappedFiles(Deno.pid);
  assert(
    Array.isArray(files) &&
      files.includes(fromText(Deno.realPathSync("/proc/self/exe"))),
  );
});
