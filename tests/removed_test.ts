/** Files that were removed and are open still: what they were, they stay. */

import { assertEquals } from "@std/assert";
import { ENGINES, jail, jailArgv, run, start } from "./harness.ts";
import { scratch } from "./jail.ts";
import { needs } from "./needs.ts";
import { TRY } from "./python.ts";

/** Whether devices can be made here. */
const DEVICES = (await run([
  "sh",
  "-c",
  'd=$(mktemp -d) && mknod "$d/x" c 1 5 && : <"$d/x"; r=$?; rm -r "$d"; exit $r',
])).code === 0;

/**
 * Runs Python in a jail that stops where it reads a line, has something done
 * outside meanwhile, and returns what it printed, `ready` first.
 */
async function interrupted(
  argv: readonly string[],
  cwd: string,
  outside: () => Promise<void>,
): Promise<string> {
  const child = start(argv, { cwd });
  const errors = new Response(child.stderr).text();
  const writer = child.stdin.getWriter();
  let printed = "";
  let waits = true;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    printed += text;
    if (!waits || printed !== "ready\n") continue;
    waits = false;
    await outside();
    await writer.write(new TextEncoder().encode("go\n"));
  }
  await writer.close();
  await child.status;
  assertEquals(await errors, "");
  return printed;
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a removed file from being read by a link that it has still`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const secret = await directory.file("secret", "secret");
      await Deno.link(secret, `${directory.path}/snapshot`);
      const code = `${TRY}
fd = os.open("secret", os.O_WRONLY)
os.unlink("secret")
attempt(lambda: os.read(os.open(f"/proc/self/fd/{fd}", os.O_RDONLY), 99))
os.dup2(fd, 9)
open("secret (deleted)", "w").close()
attempt(lambda: os.read(os.open("/proc/self/fd/9", os.O_RDONLY), 99))`;
      const policy = `extends: allow-all\nread: {deny: ["${secret}"]}\n`;
      const argv = ["/usr/bin/python3", "-c", code];
      const ended = await jail(policy, argv, { engine, cwd: directory.path });
      assertEquals(ended.stdout, "EACCES\nEACCES\n", ended.stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a file from being changed once another took its name`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      const config = await directory.file("config", "old", 0o666);
      const code = `${TRY}
fd = os.open("config", os.O_RDONLY)
print("ready", flush=True)
sys.stdin.readline()
attempt(lambda: os.open(f"/proc/self/fd/{fd}", os.O_RDWR))
attempt(lambda: os.fchmod(fd, 0o777))`;
      const argv = jailArgv(
        ["-A", `--deny-write=${config}`],
        ["/usr/bin/python3", "-c", code],
        engine,
      );
      const printed = await interrupted(argv, path, async () => {
        await Deno.link(config, `${path}/backup`);
        await directory.file("config.new", "new");
        await Deno.rename(`${path}/config.new`, config);
      });
      assertEquals(printed, "ready\nEACCES\nEACCES\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a removed file from being run by what has its name now`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      await Deno.copyFile("/bin/echo", `${path}/echo`);
      await directory.file("script", `#!${path}/echo\n`, 0o755);
      await Deno.link(`${path}/script`, `${path}/copy`);
      const code = `${TRY}
import shutil
def run(fd):
  if os.fork() == 0:
    attempt(lambda: os.execve(fd, ["echo"], {}))
    os._exit(0)
  os.wait()
fd = os.open("script", os.O_RDONLY)
os.set_inheritable(fd, True)
os.unlink("script")
shutil.copy("/bin/true", "script (deleted)")
run(fd)
fd = os.open("echo", os.O_RDONLY)
os.unlink("echo")
run(fd)`;
      const policy = `extends: allow-all\nrun: {deny: ["${path}/echo"]}\n`;
      const argv = ["python3", "-u", "-c", code];
      const ended = await jail(policy, argv, { engine, cwd: path });
      assertEquals(ended.stdout, "EACCES\nEACCES\n", ended.stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets a program be in a directory that was removed, beside others`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const code = `${TRY}
import signal, stat
other = os.fork()
if other == 0:
  signal.pause()
os.mkdir("gone")
fd = os.open("gone", os.O_RDONLY)
os.chdir("gone")
os.rmdir("../gone")
for path in ".", "./", "/proc/self/cwd/":
  attempt(lambda: stat.filemode(os.stat(path).st_mode)[0])
  attempt(lambda: stat.filemode(os.lstat(path).st_mode)[0])
  attempt(lambda: os.listdir(path))
attempt(lambda: stat.filemode(os.lstat("/proc/self/cwd").st_mode)[0])
attempt(lambda: stat.filemode(os.stat(".", dir_fd=fd, follow_symlinks=False).st_mode)[0])
attempt(lambda: os.close(os.open(".", os.O_RDONLY | os.O_NOFOLLOW)))
attempt(lambda: os.mkdir("new"))
os.kill(other, signal.SIGKILL)`;
      const argv = ["/usr/bin/python3", "-c", code];
      const options = { engine, cwd: directory.path };
      const ended = await jail("extends: allow-all\n", argv, options);
      const looks = "d\nd\n[]\n".repeat(3);
      assertEquals(ended.stdout, `${looks}l\nd\nNone\nENOENT\n`, ended.stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) leads a program out of a directory that was removed, and no further than it may`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      const code = `${TRY}
os.makedirs("top/one/two")
for name in "file", "secret": open(f"top/{name}", "w").write(name)
fd = os.open("top/one", os.O_RDONLY)
os.chdir("top/one/two")
os.rmdir("../two")
os.rmdir("../../one")
os.rename("${path}/top", "${path}/moved")
os.mkdir("${path}/top")
for up, start in ("../..", None), ("././/..///", fd):
  attempt(lambda: sorted(os.listdir(up)) if start is None else None)
  attempt(lambda: os.read(os.open(f"{up}/file", os.O_RDONLY, dir_fd=start), 9))
  attempt(lambda: os.stat(f"{up}/file", dir_fd=start).st_size)
  attempt(lambda: os.mkdir(f"{up}/new", dir_fd=start))
  attempt(lambda: os.rmdir(f"{up}/new", dir_fd=start))
  attempt(lambda: os.open(f"{up}/secret", os.O_RDONLY, dir_fd=start))
  attempt(lambda: os.stat(f"{up}/secret", dir_fd=start))
  attempt(lambda: os.stat(f"{up}/none", dir_fd=start))
attempt(lambda: os.stat("../none"))
attempt(lambda: os.chdir("../.."))
attempt(os.getcwd)`;
      const policy = `extends: allow-all\nread: {deny: ["${path}/*/secret"]}\n`;
      const argv = ["/usr/bin/python3", "-c", code];
      const options = { engine, cwd: path };
      const ended = await jail(policy, argv, options);
      const looks = "b'file'\n4\nNone\nNone\nEACCES\nEACCES\nENOENT\n";
      const listed = "['file', 'secret']\n";
      assertEquals(
        ended.stdout,
        `${listed}${looks}None\n${looks}ENOENT\nNone\n${path}/moved\n`,
        ended.stderr,
      );
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) starts no path at a file that was removed, or never had a name`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const code = `${TRY}
fd = os.open("file", os.O_RDWR | os.O_CREAT)
os.unlink("file")
for start in fd, os.pipe()[0], os.open(".", os.O_RDWR | os.O_TMPFILE):
  for path in ".", "./", "x", "../x":
    attempt(lambda: os.close(os.open(path, os.O_RDONLY, dir_fd=start)))
    attempt(lambda: os.chmod(path, 0o600, dir_fd=start))`;
      const argv = ["/usr/bin/python3", "-c", code];
      const options = { engine, cwd: directory.path };
      const ended = await jail("extends: allow-all\n", argv, options);
      assertEquals(ended.stdout, "ENOTDIR\n".repeat(24), ended.stderr);
    },
  });

  const device =
    `jail (${engine}) stops a removed device that no rule names from being opened`;
  Deno.test({
    name: DEVICES ? device : `${device} (needs mknod)`,
    ignore: !DEVICES,
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      await run(["mknod", `${path}/stick`, "c", "1", "5"]);
      const code = `${TRY}
fd = os.open("stick", os.O_PATH)
print("ready", flush=True)
sys.stdin.readline()
attempt(lambda: os.open(f"/proc/self/fd/{fd}", os.O_RDWR))`;
      const argv = jailArgv(["-A"], ["/usr/bin/python3", "-c", code], engine);
      const printed = await interrupted(
        argv,
        path,
        () => Deno.remove(`${path}/stick`),
      );
      assertEquals(printed, "ready\nEACCES\n");
    },
  });
}

Deno.test({
  ...needs(
    ["python3"],
    "jail lets a thread be in a directory that was removed, and follows no other from there",
  ),
  async fn(): Promise<void> {
    await using directory = await scratch();
    const { path } = directory;
    const code = `${TRY}
import threading
os.mkdir("gone")
gone = os.open("gone", os.O_RDONLY)
os.chdir("gone")
os.rmdir("../gone")
def looks():
  attempt(lambda: os.listdir("."))
  attempt(lambda: os.path.samestat(os.stat("."), os.fstat(gone)))
  attempt(lambda: os.chdir("."))
thread = threading.Thread(target=looks)
thread.start()
thread.join()
tried = False
def moves():
  while not tried:
    os.chdir("${path}/kept")
    os.fchdir(gone)
thread = threading.Thread(target=moves)
thread.start()
for i in range(100):
  try: os.chmod(".", 0o700)
  except PermissionError: pass
tried = True
thread.join()`;
    await Deno.mkdir(`${path}/kept`, { mode: 0o755 });
    await Deno.mkdir(`${path}/own`);
    const policy =
      `extends: default\nread: {allow: ["/"]}\nwrite: ["${path}/own"]\nrun: [/usr/bin]\n`;
    const argv = ["/usr/bin/python3", "-c", code];
    const ended = await jail(policy, argv, { cwd: `${path}/own` });
    assertEquals(ended.stdout, "[]\nTrue\nNone\n", ended.stderr);
    const { mode } = await Deno.stat(`${path}/kept`);
    assertEquals((mode ?? 0) & 0o777, 0o755);
  },
});
