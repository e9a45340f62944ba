import { assertEquals } from "@std/assert";
import { EACCES, ENOENT } from "../abi/errno.ts";
import { libc } from "./libc.ts";
import { asShellScript, canExecute, which, whichAll } from "./which.ts";

// Opened outside of a test, in which Deno 2.4 would call it a leak.
libc.__errno_location();

const FILES: Readonly<Record<string, number>> = {
  "/bin/ls": 0,
  "/usr/bin/ls": 0,
  "/usr/bin/closed": -EACCES,
  "/opt/closed": 0,
  "./here": 0,
};
const look = (file: string): number => FILES[file] ?? -ENOENT;

for (
  const c of [
    { name: "ls", path: "/bin:/usr/bin", wanted: "/bin/ls" },
    { name: "ls", path: "/usr/bin:/bin", wanted: "/usr/bin/ls" },
    { name: "/usr/bin/ls", path: "", wanted: "/usr/bin/ls" },
    { name: "./here", path: "/bin", wanted: "./here" },
    { name: "here", path: "/bin:", wanted: "./here" },
    { name: "here", path: ":/bin", wanted: "./here" },
    { name: "here", path: "/bin::/usr/bin", wanted: "./here" },
    { name: "here", path: "", wanted: "./here" },
    { name: "closed", path: "/usr/bin:/opt", wanted: "/opt/closed" },
  ]
) {
  Deno.test(`which() finds ${c.name} in "${c.path}"`, () => {
    assertEquals(which(c.name, c.path, look), {
      kind: "found",
      path: c.wanted,
    });
  });
}

Deno.test("whichAll() finds all that a shell would try, the first one first", () => {
  const all = (name: string, path: string): readonly string[] =>
    whichAll(name, path, look);
  assertEquals(all("ls", "/usr/bin:/none:/bin"), ["/usr/bin/ls", "/bin/ls"]);
  assertEquals(all("closed", "/usr/bin:/opt"), ["/opt/closed"]);
  assertEquals([all("none", "/bin"), all("", "/bin")], [[], []]);
});

Deno.test("which() remembers a file that cannot be executed", () => {
  assertEquals(which("closed", "/bin:/usr/bin", look), {
    kind: "not-executable",
    path: "/usr/bin/closed",
  });
});

for (const name of ["", "missing", "/bin/missing", "bin/ls"]) {
  Deno.test(`which() does not find "${name}"`, () => {
    assertEquals(which(name, "/bin", look), { kind: "not-found" });
  });
}

for (
  const c of [
    { file: "/bin/sh", wanted: 0 },
    { file: "/bin", wanted: -EACCES },
    { file: "/etc/passwd", wanted: -EACCES },
    { file: "/no/such", wanted: -ENOENT },
  ]
) {
  Deno.test(`canExecute() says ${c.wanted} to ${c.file}`, () => {
    assertEquals(canExecute(c.file), c.wanted);
  });
}

Deno.test("asShellScript() puts the file where its name was", () => {
  assertEquals(asShellScript("/x/script", ["script", "a", "b"]), {
    file: "/bin/sh",
    argv: ["/bin/sh", "/x/script", "a", "b"],
  });
});
