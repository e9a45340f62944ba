/** A call with two faults fails with the one that the kernel finds first. */

import { assertEquals } from "@std/assert";
import { ENGINES, jail, run } from "./harness.ts";
import { scratch } from "./jail.ts";
import { needs } from "./needs.ts";

/** Makes calls with two faults each in the directory that it is given, and prints their errnos. */
const FAULTS = `import ctypes, errno, itertools, os, sys
os.chdir(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
kept = []
def text(path):
  kept.append(ctypes.create_string_buffer(path))
  return ctypes.addressof(kept[-1])
def attempt(what, number, *words):
  words = [ctypes.c_long(word) for word in words]
  result = libc.syscall(number, *words)
  print(what, "done" if result != -1 else errno.errorcode[ctypes.get_errno()])
paths = {name: text(path) for name, path in {
  "missing": b"missing", "no directory": b"missing/x", "beneath a file": b"file/x",
  "a long name": b"n" * 300, "a long name nowhere": b"missing/" + b"n" * 300,
  "a long name in a file": b"file/" + b"n" * 300, "a long path": b"./" * 2500,
  "empty": b"", "around": b"around/x", "a slash": b"file/", "of a file": b"file/..",
}.items()}
paths |= {"no memory": 1, "none": 0}
none, flag, here = -1, 1 << 30, -100
out = text(b"\\0" * 256)
of_one = {
  "open": lambda path: (257, here, path, flag | os.O_DIRECTORY, 0),
  "open nowhere": lambda path: (257, none, path, 0, 0),
  "openat2": lambda path: (437, here, path, 1, 24),
  "openat2 of another size": lambda path: (437, here, path, out, 8),
  "stat": lambda path: (262, here, path, 1, 0),
  "stat with a flag": lambda path: (262, here, path, out, flag),
  "statx": lambda path: (332, none, path, 0x6000, 0x7ff, out),
  "access": lambda path: (439, here, path, 8, 0),
  "readlink": lambda path: (267, here, path, out, 0),
  "truncate": lambda path: (76, path, -1),
  "unlink": lambda path: (263, here, path, flag),
  "rmdir nowhere": lambda path: (263, none, path, 0x200),
  "chmod": lambda path: (452, none, path, 0o600, flag),
  "chown": lambda path: (260, here, path, -1, -1, flag),
  "utimes": lambda path: (280, here, path, 0, flag),
  "mknod": lambda path: (259, here, path, 0o170000, 0),
  "link": lambda path: (265, here, path, here, path, flag),
  "move": lambda path: (316, here, path, here, path, flag),
}
for (call, words), (what, path) in itertools.product(of_one.items(), paths.items()):
  attempt(f"{call}: {what}", *words(path))
for (one, old), (other, new) in itertools.product(paths.items(), paths.items()):
  # Of a path that is no text the kernel knows before it looks at another one.
  if one in ("missing", "a long name") and other in ("no memory", "none", "a long path"): continue
  attempt(f"move: {one}, {other}", 82, old, new)
  attempt(f"link: {one}, {other}", 86, old, new)
`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a call with two faults fails (${engine}) with the one that the kernel finds first`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      await directory.file("file", "");
      await Deno.symlink("around", `${path}/around`);
      const argv = ["/usr/bin/python3", "-c", FAULTS, path];
      const wanted = (await run(argv)).stdout.split("\n");
      const { stdout, stderr } = await jail(["-A"], argv, { engine });
      assertEquals(stdout.split("\n"), wanted, stderr);
      assertEquals(wanted.length > 500, true);
    },
  });
}
