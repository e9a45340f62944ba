/** What the kernel makes of the last name of a path that is made, moved or removed. */

import { assertEquals } from "@std/assert";
import { ENGINES, jail, run } from "./harness.ts";
import { scratch } from "./jail.ts";
import { needs } from "./needs.ts";

/** Python that tries each call on each path, and prints what came of it. */
const TRY_ALL = `import errno, os, shutil, signal
other = os.fork()
if other == 0:
  signal.pause()
paths = """. .. d/. d/.. d/ d/e/. d/e/.. link/ link/. link/.. file/ to-file/ broken/
  broken new/ new/. link d/e/ d/here/ d/here/. file/.. none/.. ./ d/../""".split()
calls = {
  "mkdir": os.mkdir, "rmdir": os.rmdir, "unlink": os.unlink, "mknod": os.mknod,
  "symlink": lambda path: os.symlink("x", path),
  "link": lambda path: os.link("file", path),
  "link from": lambda path: os.link(path, "moved", follow_symlinks=False),
  "rename": lambda path: os.rename(path, "moved"),
  "rename a directory": lambda path: os.rename("empty", path),
  "rename a file": lambda path: os.rename("file", path),
  "open": lambda path: os.close(os.open(path, os.O_WRONLY | os.O_CREAT)),
  "create": lambda path: os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)),
}
for name, call in calls.items():
  for path in ["", *paths]:
    os.makedirs("t/d/e")
    os.chdir("t")
    os.mkdir("empty")
    open("file", "w").close()
    for link, to in ("link", "d"), ("to-file", "file"), ("broken", "none"), ("d/here", "."):
      os.symlink(to, link)
    try:
      call(path)
      result = "done"
    except OSError as error:
      result = errno.errorcode[error.errno]
    os.chdir("..")
    there = sorted(os.path.join(at, one) for at, *all in os.walk("t") for one in sum(all, []))
    print(name, path, result, *there)
    shutil.rmtree("t")
os.kill(other, signal.SIGKILL)`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) makes, moves and removes what the kernel would, by any last name`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const argv = ["/usr/bin/python3", "-c", TRY_ALL];
      const alone = await run(argv, { cwd: directory.path });
      assertEquals([alone.stderr, alone.code], ["", 0]);
      const options = { engine, cwd: directory.path };
      const ended = await jail("extends: allow-all\n", argv, options);
      assertEquals(ended.stdout.split("\n"), alone.stdout.split("\n"));
      assertEquals([ended.stderr, ended.code], ["", 0]);
    },
  });
}
