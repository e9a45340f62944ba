import { assertEquals } from "@std/assert";
import { hasLoaderName, hasOption, loadedProgram } from "./loader.ts";

for (
  const path of [
    "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    "/lib/ld-linux-aarch64.so.1",
    "/lib/ld-musl-x86_64.so.1",
    "/lib64/ld64.so.2",
    "/usr/bin/ld.so",
  ]
) {
  Deno.test(`hasLoaderName() knows ${path}`, () =>
    assertEquals(hasLoaderName(path), true));
}

for (
  const path of ["/usr/bin/ld", "/usr/bin/ldd", "/tmp/ld-linux-x.so.2/prog"]
) {
  Deno.test(`hasLoaderName() does not take ${path} for one`, () => {
    assertEquals(hasLoaderName(path), false);
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

for (const [line, program] of ARGUMENTS) {
  Deno.test(`loadedProgram() finds ${program ?? "nothing sure"} in ${line}`, () => {
    const words = line.split(" ");
    const at = loadedProgram({ words, whole: true }, () => true);
    assertEquals(at < 0 ? undefined : words[at] ?? "", program);
  });
}

Deno.test("loadedProgram() is not sure of an option that a loader does not know", () => {
  const words = ["ld.so", "--argv0", "/bin/true", "/bin/sh"];
  const knows = (option: string): boolean => option !== "--argv0";
  assertEquals(loadedProgram({ words, whole: true }, knows), -1);
});

Deno.test("loadedProgram() is not sure of arguments that were not all read", () => {
  assertEquals(
    loadedProgram({ words: ["ld.so"], whole: false }, () => true),
    -1,
  );
});

Deno.test("hasOption() finds the options of glibc and of musl", () => {
  assertEquals(hasOption("x\0--argv0\0y", "--argv0"), true);
  assertEquals(hasOption("x\0argv0\0y", "--argv0"), true);
  assertEquals(hasOption("x\0help\0y", "--help"), false);
  assertEquals(hasOption("x--list-tunables\0", "--list"), false);
});
