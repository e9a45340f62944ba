/** No file that may only be read is changed, and none is made that runs as its owner. */

import { assertEquals } from "@std/assert";
import { SYSCALLS } from "../src/abi/syscalls.ts";
import { ENGINES, jail } from "./harness.ts";
import { scratch } from "./jail.ts";
import { needs } from "./needs.ts";
import { attempt } from "./python.ts";

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a hint that is put on a file which may only be read`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      await directory.file("file", "");
      for (
        const [mode, deny, wanted] of [["r", "file", "EACCES"], [
          "r",
          "x",
          "done",
        ]]
      ) {
        const { stdout } = await jail(
          ["-A", `--deny-write=${path}/${deny}`],
          attempt(
            `import fcntl\nfcntl.fcntl(open("${path}/file", "${mode}"), 1036, bytes([5] + [0] * 7))`,
          ),
          { engine },
        );
        assertEquals([deny, stdout], [deny, `${wanted}\n`]);
      }
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a choice of where a file that may only be read lies in memory`,
    ),
    async fn(): Promise<void> {
      const file = await Deno.makeTempFile({ dir: "/dev/shm" });
      await Deno.truncate(file, 4096);
      // mbind(2) with MPOL_PREFERRED: the first node.
      const code = `import ctypes, errno, mmap, os
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
fd = os.open("${file}", os.O_RDONLY)
at = libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0)
node = ctypes.byref(ctypes.c_ulong(1))
libc.syscall(${SYSCALLS.mbind.x86_64}, ctypes.c_void_p(at), 4096, 1, node, 64, 0)
print(errno.errorcode.get(ctypes.get_errno()))`;
      const argv = ["/usr/bin/python3", "-c", code];
      const { stdout } = await jail(["-R", "--allow-run"], argv, { engine });
      await Deno.remove(file);
      assertEquals(stdout, "EPERM\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a file that would run as its owner`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const policy =
        `extends: base\nread: ["${directory.path}"]\nwrite: ["${directory.path}"]\n`;
      const tries = [
        `os.close(os.open("x", os.O_CREAT | os.O_WRONLY, 0o4755))`,
        `open("y", "w"); os.chmod("y", 0o4755)`,
        `os.fchmod(os.open("y", os.O_RDONLY), 0o2755)`,
        `os.mknod("z", 0o4755)`,
      ];
      for (const code of tries) {
        const { stdout } = await jail(policy, [
          "/usr/bin/python3",
          ...attempt(code).slice(1),
        ], { engine, cwd: directory.path });
        assertEquals([code, stdout], [code, "EPERM\n"]);
      }
      const { stdout } = await jail(policy, [
        "/usr/bin/python3",
        ...attempt(`os.mkdir("d"); os.chmod("d", 0o2755)`).slice(1),
      ], { engine, cwd: directory.path });
      assertEquals(stdout, "done\n");
    },
  });
}
