import { assertEquals } from "@std/assert";
import { isLoader, loadedProgram } from "./image.ts";

for (
  const path of [
    "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    "/lib/ld-linux-aarch64.so.1",
    "/lib/ld-musl-x86_64.so.1",
    "/lib64/ld64.so.2",
    "/usr/bin/ld.so",
  ]
) {
  Deno.test(`isLoader() knows ${path}`, () =>
    assertEquals(isLoader(path), true));
}

for (
  const path of ["/usr/bin/ld", "/usr/bin/ldd", "/tmp/ld-linux-x.so.2/prog"]
) {
  Deno.test(`isLoader() does not take ${path} for one`, () => {
    assertEquals(isLoader(path), false);
  });
}

const ARGUMENTS: readonly (readonly [string, string | undefined])[] = [
  ["ld.so", ""],
  ["ld.so /bin/ls", "/bin/ls"],
  ["ld.so --library-path /x /bin/ls -l", "/bin/ls"],
  ["ld.so --argv0 /bin/true /bin/sh", "/bin/sh"],
  ["ld.so --preload /a.so --inhibit-cache ./prog", "./prog"],
  ["ld.so --list /bin/ls", "/bin/ls"],
  ["ld.so --help", ""],
  ["ld.so prog", undefined], // searched for like a library
  ["ld.so --new-option /bin/ls", undefined],
];

for (const [words, program] of ARGUMENTS) {
  Deno.test(`loadedProgram() finds ${program ?? "nothing sure"} in ${words}`, () => {
    assertEquals(loadedProgram(words.split(" ")), program);
  });
}
