/** What is mounted elsewhere, or over something, or gone, opens nothing that is closed. */

import { assertEquals, assertMatch } from "@std/assert";
import { type Ended, ENGINES, jailArgv, run } from "./harness.ts";
import { scratch } from "./jail.ts";
import { hasMounts, hasOverlays } from "./needs.ts";
import { TRY } from "./python.ts";

/** Python that moves something, and reads it then where it should be seen. */
const MOVE = `import errno, os, sys
os.chdir(sys.argv[1])
def move(old, new, seen):
    try: os.rename(old, new)
    except OSError as e: return print(errno.errorcode[e.errno])
    try: print("moved", open(seen).read())
    except OSError as e: print("moved", errno.errorcode[e.errno])
`;

/**
 * Runs a program in a jail, where a script has mounted something that nobody else sees.
 *
 * @param script it is told a directory, and ends by `exec "$@"`
 */
function amongMounts(
  script: string,
  directory: string,
  ...jailed: Parameters<typeof jailArgv>
): Promise<Ended> {
  const mounting = ["unshare", "-m", "sh", "-c", script, directory];
  return run([...mounting, ...jailArgv(...jailed)]);
}

/** Mounts files by themselves, and removes what they were before. */
const MOUNTED_ALONE = `cd "$0" && touch file program && ln -sf file link &&
printf '#!/bin/sh\\necho runs\\n' >from && chmod 755 from &&
mount --bind from file && rm from &&
cp /usr/bin/echo from && mount --bind from program && rm from && exec "$@"`;

/**
 * Python that runs a jail in a place, and does something outside meanwhile.
 *
 * @param first what it does before
 * @param lines once the program has written so many, it does the other thing
 * @param then that, after which the program's input ends
 */
function meanwhile(first: string, lines: number, then: string): string {
  return `import os, subprocess, sys
root, *jail = sys.argv[1:]
mount = lambda *words: subprocess.check_call(["mount", *words])
${first}
with subprocess.Popen(jail + [root], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
    for _ in range(${lines}): print(program.stdout.readline().decode(), end="")
    ${then}
    print(program.communicate()[0].decode(), end="")`;
}

/** Moves a directory, and what is mounted in it. */
const MOVES = `os.rename(root + "/open/in", root + "/open/out")`;

for (const engine of ENGINES) {
  Deno.test({
    ...hasMounts(
      `jail (${engine}) believes no name of a file in mounts of somebody else's`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const root = directory.path;
      for (const name of ["open/directory", "secret"]) {
        await Deno.mkdir(`${root}/${name}`, { recursive: true });
      }
      await Deno.writeTextFile(`${root}/secret/file`, "secret");
      await Deno.writeTextFile(`${root}/open/file`, "open");
      await Deno.writeTextFile(`${root}/open/directory/file`, "open");
      // Outside: what is closed has names there that rules allow.
      const helper = `import os, socket, subprocess, sys
root, number = sys.argv[1:]
def bind(what, where):
    subprocess.check_call(["mount", "--bind", root + what, root + where])
bind("/secret/file", "/open/file")
bind("/secret", "/open/directory")
names = "/open/file", "/open/directory"
given = [os.open(root + name, os.O_PATH) for name in names]
socket.send_fds(socket.socket(fileno=int(number)), [b"x"], given)
sys.stdin.read()`;
      const inside = `${TRY}import socket
root, number = sys.argv[1:]
_, given, _, _ = socket.recv_fds(socket.socket(fileno=int(number)), 1, 9)
file, directory = given
def read(path, at=None): return os.read(os.open(path, os.O_RDONLY, dir_fd=at), 9)
def name(fd): return f"/proc/self/fd/{fd}"
attempt(lambda: read(name(file)))
attempt(lambda: os.open(name(file), os.O_RDWR))
attempt(lambda: os.chmod(name(file), 0o666))
attempt(lambda: os.listdir(name(directory)))
attempt(lambda: read(name(directory) + "/file"))
attempt(lambda: read("file", directory))
attempt(lambda: os.unlink("file", dir_fd=directory))
os.fchdir(directory)
attempt(lambda: read("file"))
attempt(lambda: os.chmod(".", 0o777))
attempt(lambda: os.mkdir("new"))
attempt(lambda: os.unlink("file"))
os.chdir(root + "/open/directory")
attempt(lambda: read("file"))`;
      const outside = `import socket, subprocess, sys
root, helper, *jail = sys.argv[1:]
one, other = socket.socketpair()
with subprocess.Popen(["unshare", "-m", "/usr/bin/python3", "-c", helper, root, str(one.fileno())],
                      pass_fds=[one.fileno()], stdin=subprocess.PIPE):
    at = jail.index("--")
    jail[at:at] = [f"--keep-fd={other.fileno()}"]
    subprocess.call(jail + [root, str(other.fileno())], pass_fds=[other.fileno()])`;
      const { stdout, stderr } = await run([
        "python3",
        "-c",
        outside,
        root,
        helper,
        ...jailArgv(
          ["-p", "python", `-R=${root}/open`, `-W=${root}/open`],
          ["/usr/bin/python3", "-c", inside],
          engine,
        ),
      ]);
      const answers = stdout.trimEnd().split("\n");
      assertEquals(answers.pop(), "b'open'", stderr);
      assertEquals(answers.length, 11, stdout);
      assertMatch(answers.join(" "), /^(?:E[A-Z]+ ?)+$/);
      assertEquals(await Deno.readTextFile(`${root}/secret/file`), "secret");
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) believes no name of a file outside of its own root of chroot(2)`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      await Deno.mkdir(`${path}/open`);
      await directory.file("open/file", "secret", 0o600);
      // In there another directory has that name, which may be changed.
      const script = `cd "$0"
for each in /*; do
  if [ -L $each ] || ! [ -d $each ]; then continue; fi
  mkdir -p root$each && mount --rbind $each root$each
done
cp -P /bin /lib* root 2>/dev/null
mount -t tmpfs inner "root$0/open"
exec 8<open/file; exec chroot root "$@"`;
      const inside = `import errno, os
for change in (
    lambda: os.fchmod(8, 0o666), lambda: os.truncate("/proc/self/fd/8", 0),
    lambda: os.open("/proc/self/fd/8", os.O_RDWR)):
  try: change(); print("done")
  except OSError as e: print(errno.errorcode[e.errno])
os.close(os.open("${path}/open/own", os.O_RDWR | os.O_CREAT))
os.chmod("${path}/open/own", 0o600)`;
      const { code, stdout, stderr } = await amongMounts(
        script,
        path,
        ["-R", `-W=${path}/open`, "--allow-run", "--keep-fd=8"],
        ["/usr/bin/python3", "-c", inside],
        engine,
      );
      assertEquals([code, stdout], [0, "EPERM\n".repeat(3)], stderr);
      const { mode, size } = await Deno.stat(`${path}/open/file`);
      assertEquals([(mode ?? 0) & 0o777, size], [0o600, 6]);
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) believes no name of a file in a mount that is gone`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const root = directory.path;
      await Deno.mkdir(`${root}/open`);
      await Deno.writeTextFile(`${root}/open/file`, "open");
      // Outside: what is mounted has files where rules allow them, from its root on.
      const outside = `import os, subprocess, sys
root, *jail = sys.argv[1:]
mount = root + "/mount"
inner = mount + root + "/open"
os.mkdir(mount)
subprocess.check_call(["mount", "-t", "tmpfs", "inner", mount])
os.makedirs(inner + "/seen")
open(inner + "/file", "w").write("secret")
secret = os.open(inner + "/file", os.O_RDONLY)
with subprocess.Popen(jail + [inner], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
    print(program.stdout.readline().decode(), end="")
    subprocess.check_call(["umount", "-l", mount])
    print(program.communicate()[0].decode(), end="")
print(os.read(secret, 9), oct(os.fstat(secret).st_mode))`;
      const inside = `${TRY}os.chdir(sys.argv[1])
seen = os.open("seen", os.O_RDONLY)
for _ in range(4): os.stat("seen"), os.stat(".", dir_fd=seen)
print("ready", flush=True)
sys.stdin.readline()
def read(path, flags, at=None): return os.read(os.open(path, flags, dir_fd=at), 9)
for flags in os.O_RDONLY, os.O_RDWR:
    attempt(lambda: read("file", flags))
    attempt(lambda: read("../file", flags, seen))
attempt(lambda: os.stat("file"))
attempt(lambda: os.chmod("file", 0o604))
attempt(lambda: os.unlink("../file", dir_fd=seen))`;
      const { stdout, stderr } = await run([
        ...["unshare", "-m", "/usr/bin/python3", "-c", outside, root],
        ...jailArgv(
          [
            ...["-p", "python", "--no-landlock", `-W=${root}/open`],
            `-R=${root}/open,${root}/mount${root}/open/seen`,
          ],
          ["/usr/bin/python3", "-c", inside],
          engine,
        ),
      ]);
      const [ready, ...answers] = stdout.trimEnd().split("\n");
      assertEquals(
        [ready, answers.pop()],
        ["ready", "b'secret' 0o100644"],
        stderr,
      );
      assertEquals(answers.length, 7, stderr);
      assertMatch(answers.join(" "), /^(?:E[A-Z]+ ?)+$/);
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) believes no name of a file that something is mounted over`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const root = directory.path;
      // What is mounted over the program's directory is seen in its place. What was
      // moved out of a part that is mounted the kernel calls the root directory.
      const outside = `import os, subprocess, sys
root, *jail = sys.argv[1:]
def mount(*words): subprocess.check_call(["mount", *words])
for name in "over", "part", "whole/part/inner": os.makedirs(root + "/open/" + name)
mount("--bind", root + "/open/whole/part", root + "/open/part")
with open(root + "/secret", "w") as secret: secret.write("secret")
with subprocess.Popen(jail + [root], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
    print(program.stdout.readline().decode(), end="")
    mount("-t", "tmpfs", "over", root + "/open/over")
    print(program.communicate()[0].decode(), end="")
print(open(root + "/secret").read(), oct(os.stat(root + "/secret").st_mode))`;
      const inside = `import errno, os, sys
root = sys.argv[1]
answers = []
def attempt(call):
    try: answers.append(f"done {call()}")
    except OSError as e: answers.append(errno.errorcode[e.errno])
def write(file, at=None): return os.write(os.open(file, os.O_RDWR, dir_fd=at), b"!")
def change(file, fd, seen):
    open(seen, "w").close()
    for at in None, fd:
        attempt(lambda: os.chmod(file, 0o777, dir_fd=at))
        attempt(lambda: write(file, at))
    attempt(lambda: os.truncate(file, 0))
    answers.append(str(os.stat(seen).st_size))
def enter(path):
    fd = os.open(path, os.O_RDONLY)
    os.fchdir(fd)
    return fd
over = root + "/open/over"
inner = enter(root + "/open/part/inner")
file = root[1:] + "/open/file"
os.makedirs(os.path.dirname(file))
os.symlink(root + "/secret", file)
for _ in range(4): os.lstat(file)
os.rename(root + "/open/whole/part/inner", root + "/open/whole/inner")
change(file, inner, "/" + file)
fd = enter(over)
os.symlink(root + "/secret", "file")
print("ready", flush=True)
sys.stdin.readline()
change("file", fd, over + "/file")
print(*answers, sep="\\n")`;
      const { stdout, stderr } = await run([
        ...["unshare", "-m", "/usr/bin/python3", "-c", outside, root],
        ...jailArgv(
          [
            ...["-p", "python", "--no-landlock"],
            ...[`-W=${root}/open`, `-R=${root}/open`],
          ],
          ["/usr/bin/python3", "-c", inside],
          engine,
        ),
      ]);
      const [ready, ...answers] = stdout.trimEnd().split("\n");
      assertEquals(
        [ready, answers.pop()],
        ["ready", "secret 0o100644"],
        stderr,
      );
      assertEquals(answers.length, 12, stderr);
      assertMatch(answers.join(" "), /^(?:(?:E[A-Z]+ ){5}0 ?){2}$/);
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) moves nothing to where another mount of it lets more be done`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const root = directory.path;
      for (const name of ["data/closed", "data/seen", "all", "part"]) {
        await Deno.mkdir(`${root}/${name}`, { recursive: true });
      }
      await Deno.writeTextFile(`${root}/data/closed/key`, "secret");
      const script =
        `cd "$0"; mount --bind data all; mount --bind data/seen part
exec "$@"`;
      const inside = `${MOVE}move("all/closed", "all/open", "data/open/key")
move("all/closed/key", "all/key", "data/key")
move("all/closed/key", "all/seen/key", "part/key")
open("all/new", "w").close()
move("all/new", "all/newer", "data/newer")`;
      const { stdout, stderr } = await amongMounts(
        script,
        root,
        [
          ...["-p", "python", `-R=${root}/data,${root}/part`],
          ...[`--deny-read=${root}/data/closed`, `-W=${root}/all`],
        ],
        ["/usr/bin/python3", "-c", inside, root],
        engine,
      );
      assertEquals(stdout, "EXDEV\nEACCES\nEACCES\nmoved \n", stderr);
      assertEquals(
        await Deno.readTextFile(`${root}/data/closed/key`),
        "secret",
      );
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) moves nothing to where another mount shows it that something lies over where it was`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const root = directory.path;
      for (const name of ["seen/shut", "seen/open", "all"]) {
        await Deno.mkdir(`${root}/${name}`, { recursive: true });
      }
      await Deno.writeTextFile(`${root}/seen/shut/key`, "secret");
      const script = `cd "$0"; mount --bind seen all
mount -t tmpfs none seen/shut; cd seen; exec "$@"`;
      const inside =
        `${MOVE}move("all/shut/key", "all/open/key", "seen/open/key")
move("all/shut/key", "all/shut/other", "seen/shut/other")
move("all/open", "all/opened", "seen/opened/key")`;
      const { stdout, stderr } = await amongMounts(
        script,
        root,
        [
          ...["-p", "python", `-R=${root}/seen`, `-W=${root}/all`],
        ],
        ["/usr/bin/python3", "-c", inside, root],
        engine,
      );
      assertEquals(stdout, "EACCES\nmoved ENOENT\nmoved ENOENT\n", stderr);
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) moves nothing to where another mount of it lets more be done, whatever is mounted beneath it`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const root = directory.path;
      for (const name of ["data/in", "other", "all/in", "work"]) {
        await Deno.mkdir(`${root}/${name}`, { recursive: true });
      }
      await Deno.writeTextFile(`${root}/data/in/key`, "secret");
      // The first one is hidden by the second.
      const script = `cd "$0"; mount --bind other all/in; mount --bind data all
cd work; exec "$@"`;
      const inside = `import errno, os, sys
os.chdir(sys.argv[1])
try:
    os.rename("all/in/key", "all/in/open")
    print(open("data/in/open").read())
except OSError as e: print(errno.errorcode[e.errno])`;
      const { stdout, stderr } = await amongMounts(
        script,
        root,
        [
          ...["-p", "python", `-R=${root}/data/in/open`, `-W=${root}/all`],
        ],
        ["/usr/bin/python3", "-c", inside, root],
        engine,
      );
      assertEquals(stdout, "EACCES\n", stderr);
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) moves nothing to where another mount of it lets more be done, in its own root of chroot(2)`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      const script = `cd "$0"
for each in /*; do
  if [ -L $each ] || ! [ -d $each ]; then continue; fi
  mkdir -p root$each && mount --rbind $each root$each
done
cp -P /bin /lib* root 2>/dev/null
mkdir -p root/moved-data/shut root/moved-all work
echo secret > root/moved-data/shut/key; mount --bind root/moved-data root/moved-all
exec chroot root sh -c 'cd "$0/work"; exec "$@"' "$0" "$@"`;
      const inside = `import errno, os
try:
    os.rename("/moved-all/shut/key", "/moved-all/key")
    print(open("/moved-data/key").read())
except OSError as e: print(errno.errorcode[e.errno])`;
      const { stdout, stderr } = await amongMounts(
        script,
        path,
        [
          ...["-p", "python", "-R=/moved-data"],
          ...["--deny-read=/moved-data/shut", "-W=/moved-all"],
        ],
        ["/usr/bin/python3", "-c", inside],
        engine,
      );
      assertEquals(stdout, "EACCES\n", stderr);
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) moves nothing to where another mount of it lets more be done, whatever is mounted over the root`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const root = directory.path;
      await Deno.mkdir(`${root}/disk`);
      await Deno.mkdir(`${root}/work`);
      const script =
        `cd "$0"; mount -t tmpfs disk disk; mkdir -p disk/data disk/all
echo secret > disk/data/key; mount --bind disk/data disk/all; mount --bind / /
cd work; exec "$@"`;
      const inside = `import errno, os, sys
os.chdir(sys.argv[1] + "/disk")
try:
    os.rename("all/key", "all/open")
    print(open("data/open").read())
except OSError as e: print(errno.errorcode[e.errno])`;
      const { stdout, stderr } = await amongMounts(
        script,
        root,
        [
          ...["-p", "python", `-R=${root}/disk/data/open`],
          `-W=${root}/disk/all`,
        ],
        ["/usr/bin/python3", "-c", inside, root],
        engine,
      );
      assertEquals(stdout, "EACCES\n", stderr);
    },
  });

  for (
    const [what, lower, upper] of [
      ["by their paths", "$0/low", "$0/up"],
      ["by relative paths", "low", "up"],
      ["and lies over one", "$0/over", "$0/up"],
    ] as const
  ) {
    Deno.test({
      ...hasOverlays(
        `jail (${engine}) moves nothing to where an overlay lets more be done that names its layers ${what}`,
      ),
      async fn(): Promise<void> {
        await using directory = await scratch();
        const root = directory.path;
        const names = ["up/pub", "up/shut", "work", "over", "low", "shut/tree"];
        for (const name of [...names, "again"]) {
          await Deno.mkdir(`${root}/${name}`, { recursive: true });
        }
        for (const name of ["shut/key", "shut/tree/key", "up/shut/key"]) {
          await Deno.writeTextFile(`${root}/${name}`, "secret");
        }
        const script = `cd "$0" && mount --bind . again && mount -t overlay \\
  -o "lowerdir=${lower},upperdir=${upper},workdir=work" none over && cd again/work && exec "$@"`;
        const inside = `${MOVE}low = sys.argv[2]
move("again/shut/key", low + "/key", "over/key")
move("again/shut/tree", low + "/tree", "over/tree/key")
move(low, low + "2", "over")
move("over/shut/key", "over/pub/key", "up/pub/key")
move("again/shut/key", "again/shut/other", "again/shut/other")`;
        const low = `again/${lower.replace("$0/", "")}`;
        const seen = ["over/key", "over/tree", "up/pub"];
        const { stdout, stderr } = await amongMounts(
          script,
          root,
          [
            ...["-p", "python", `-W=${root}`],
            ...seen.map((name) => `-R=${root}/${name}`),
          ],
          ["/usr/bin/python3", "-c", inside, root, low],
          engine,
        );
        assertEquals(
          stdout,
          "EACCES\nEXDEV\nEPERM\nEACCES\nmoved ENOENT\n",
          stderr,
        );
      },
    });
  }

  Deno.test({
    ...hasOverlays(
      `jail (${engine}) goes on with moves where an overlay names a directory that has its layers by a dot`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const root = directory.path;
      for (const name of ["low/over", "top/up", "top/work", "beside/a"]) {
        await Deno.mkdir(`${root}/${name}`, { recursive: true });
      }
      const script = `cd "$0/low" && mount -t overlay \\
  -o "lowerdir=.,upperdir=$0/top/up,workdir=$0/top/work" none over &&
cd .. && exec "$@"`;
      const { code, stderr } = await amongMounts(
        script,
        root,
        ["-p", "readonly", `-W=${root}/beside`],
        ["/bin/mv", `${root}/beside/a`, `${root}/beside/b`],
        engine,
      );
      assertEquals(code, 0, stderr);
      await Deno.stat(`${root}/beside/b`);
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) puts no link where a rule begins, and removes none of a rule, by another mount of it`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const root = directory.path;
      for (const name of ["one/pub", "two", "key"]) {
        await Deno.mkdir(`${root}/${name}`, { recursive: true });
      }
      await Deno.symlink(`${root}/key`, `${root}/one/link`);
      const script = `cd "$0"; mount --bind one two; cd two; exec "$@"`;
      const inside = `${TRY}os.chdir(sys.argv[1] + "/two")
os.rmdir("pub")
attempt(os.symlink, "../key", "pub")
attempt(os.symlink, "../key", "other")
attempt(os.rename, "other", "pub")
attempt(os.link, "other", "pub")
attempt(os.unlink, "link")
attempt(os.rename, "other", "link")
attempt(os.unlink, "other")`;
      const { stdout, stderr } = await amongMounts(
        script,
        root,
        [
          ...["-p", "python", `-R=${root}/one/pub`, `-W=${root}/two`],
          `--deny-read=${root}/one/link`,
        ],
        ["/usr/bin/python3", "-c", inside, root],
        engine,
      );
      assertEquals(
        stdout,
        "EACCES\nNone\nEACCES\nEACCES\nEACCES\nEACCES\nNone\n",
        stderr,
      );
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) moves no socket to where another mount of it lets one be reached`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const root = directory.path;
      await Deno.mkdir(`${root}/all/seen`, { recursive: true });
      await Deno.mkdir(`${root}/part`);
      const script = `cd "$0"; mount --bind all part
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("all/socket")'
exec "$@"`;
      const inside = `import errno, os, sys
os.chdir(sys.argv[1])
for old, new in ("all/socket", "all/seen/socket"), ("all/socket", "all/other"):
    try: print(os.rename(old, new))
    except OSError as e: print(errno.errorcode[e.errno])`;
      const { stdout, stderr } = await amongMounts(
        script,
        root,
        [
          ...["-p", "python", `-R=${root}`, `-W=${root}/all`],
          `--allow-net=unix:${root}/part/seen/socket`,
        ],
        ["/usr/bin/python3", "-c", inside, root],
        engine,
      );
      assertEquals(stdout, "EACCES\nNone\n", stderr);
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) closes another procfs also where it is mounted while the jail runs`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const root = directory.path;
      await Deno.mkdir(`${root}/open/proc`, { recursive: true });
      const mounts = `mount("-t", "proc", "proc", root + "/open/proc")`;
      const outside = meanwhile("", 1, mounts);
      const inside = `${TRY}proc = sys.argv[1] + "/open/proc"
print("ready", flush=True)
sys.stdin.readline()
for of in "1/cmdline", "self/mem", "sys/kernel/core_pattern":
    for flags in os.O_RDONLY, os.O_RDWR: attempt(os.open, f"{proc}/{of}", flags)
attempt(os.stat, f"{proc}/1/cmdline")`;
      const { stdout, stderr } = await run([
        ...["unshare", "-m", "/usr/bin/python3", "-c", outside, root],
        ...jailArgv(
          ["-p", "python", `-W=${root}/open`, `-R=${root}/open`],
          ["/usr/bin/python3", "-c", inside],
          engine,
        ),
      ]);
      assertEquals(stdout, `ready\n${"EPERM\n".repeat(7)}`, stderr);
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) closes another procfs also where somebody outside moves it with a directory`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const root = directory.path;
      await Deno.mkdir(`${root}/open/in/proc`, { recursive: true });
      const mounts = `mount("-t", "proc", "proc", root + "/open/in/proc")`;
      const outside = meanwhile(mounts, 7, MOVES);
      const inside = `${TRY}
def look(at):
    for of in "1/cmdline", f"{os.getpid()}/mem", "sys/kernel/core_pattern":
        for flags in os.O_RDONLY, os.O_RDWR:
            attempt(os.open, f"{sys.argv[1]}/open/{at}/proc/{of}", flags)
look("in")
print("ready", flush=True)
sys.stdin.readline()
look("out")`;
      const { stdout, stderr } = await run([
        ...["unshare", "-m", "/usr/bin/python3", "-c", outside, root],
        ...jailArgv(
          ["-p", "python", `-W=${root}/open`, `-R=${root}/open`],
          ["/usr/bin/python3", "-c", inside],
          engine,
        ),
      ]);
      const closed = "EPERM\n".repeat(6);
      assertEquals(stdout, `${closed}ready\n${closed}`, stderr);
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) moves nothing by another mount of it that somebody outside moves with a directory`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const root = directory.path;
      for (const name of ["kept/closed", "kept/open", "open/in/kept"]) {
        await Deno.mkdir(`${root}/${name}`, { recursive: true });
      }
      await Deno.writeTextFile(`${root}/kept/closed/file`, "secret");
      const mounts = `mount("--bind", root + "/kept", root + "/open/in/kept")`;
      const outside = meanwhile(mounts, 2, MOVES);
      const inside = `${TRY}
root = sys.argv[1]
def move(at):
    kept = f"{root}/open/{at}/kept"
    attempt(os.rename, kept + "/closed/file", kept + "/open/file")
move("in")
print("ready", flush=True)
sys.stdin.readline()
move("out")
attempt(os.open, root + "/kept/open/file", os.O_RDONLY)`;
      const { stdout, stderr } = await run([
        ...["unshare", "-m", "/usr/bin/python3", "-c", outside, root],
        ...jailArgv(
          [
            ...[
              "-p",
              "python",
              `-R=${root}/kept`,
              `-W=${root}/open,${root}/kept`,
            ],
            `--deny-read=${root}/kept/closed`,
          ],
          ["/usr/bin/python3", "-c", inside],
          engine,
        ),
      ]);
      assertEquals(stdout, "EACCES\nready\nEACCES\nENOENT\n", stderr);
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) closes another procfs also where it was moved with a directory`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const root = directory.path;
      await Deno.mkdir(`${root}/open/box/proc`, { recursive: true });
      await Deno.mkdir(`${root}/open/alias`);
      const script = `cd "$0/open"; mount -t tmpfs box box; mkdir -p box/in/proc
mount --bind box alias; mount -t proc proc box/in/proc; exec "$@"`;
      const inside = `${TRY}where = sys.argv[1] + "/open"
def look(at):
    for of in "1/cmdline", f"{os.getpid()}/mem", "sys/kernel/core_pattern":
        for flags in os.O_RDONLY, os.O_RDWR:
            attempt(os.open, f"{where}/{at}/proc/{of}", flags)
look("box/in")
attempt(os.rename, where + "/box/in", where + "/box/out")
attempt(os.rename, where + "/alias/in", where + "/alias/out")
look("box/in")`;
      const { stdout, stderr } = await amongMounts(
        script,
        root,
        ["-p", "python", `-W=${root}/open`, `-R=${root}/open`],
        ["/usr/bin/python3", "-c", inside, root],
        engine,
      );
      assertEquals(stdout, "EPERM\n".repeat(14), stderr);
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) sets the kernel by no sysfs elsewhere that no rule names`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const root = directory.path;
      const found = await run([
        ...["sh", "-c", "cd /sys/kernel; ls rcu_expedited profiling | head -1"],
      ]);
      await Deno.mkdir(`${root}/open/box`, { recursive: true });
      await Deno.mkdir(`${root}/named`);
      const script =
        `cd "$0"; mount -t tmpfs box open/box; mkdir -p open/box/in/sys
mount -t sysfs s open/box/in/sys; mount --bind /sys named; exec "$@"`;
      const inside = `${TRY}
def set(at):
    attempt(os.open, f"{sys.argv[1]}/{at}/kernel/{sys.argv[2]}", os.O_WRONLY)
set("open/box/in/sys")
attempt(os.rename, f"{sys.argv[1]}/open/box/in", f"{sys.argv[1]}/open/box/out")
set("named")`;
      const { stdout, stderr } = await amongMounts(
        script,
        root,
        ["-p", "python", `-W=${root}/open,${root}/named`, `-R=${root}`],
        ["/usr/bin/python3", "-c", inside, root, found.stdout.trim()],
        engine,
      );
      assertEquals(stdout, "EACCES\nEPERM\n3\n", stderr);
    },
  });

  for (const beside of ["", " beside a thread"]) {
    Deno.test({
      ...hasMounts(
        `jail (${engine}) knows what lies over a file where a mount was moved with its directory${beside}`,
      ),
      async fn(): Promise<void> {
        await using directory = await scratch();
        const root = directory.path;
        await Deno.writeTextFile(`${root}/secret`, "secret", { mode: 0o600 });
        await Deno.mkdir(`${root}/open/disk`, { recursive: true });
        await Deno.mkdir(`${root}/open/alias`);
        // By the other name of the disk a directory comes beneath what is mounted.
        const script = `cd "$0/open"; mount -t tmpfs disk disk
mkdir -p disk/in disk/of/over; mount --bind disk alias; mount -t tmpfs over disk/of/over
exec "$@"`;
        const inside = `${TRY}import threading
where, beside = sys.argv[1] + "/open", sys.argv[2]
if beside: threading.Thread(target=os.read, args=(os.pipe()[0], 1), daemon=True).start()
os.chdir(where + "/disk/in")
os.symlink(sys.argv[1] + "/secret", "file")
os.rename(where + "/alias/in", where + "/alias/of/over/in")
attempt(os.chmod, "file", 0o777)
os.rename(where + "/alias/of", where + "/alias/by")
seen = where + "/disk/by/over/in"
os.mkdir(seen)
open(seen + "/file", "w").close()
attempt(os.chmod, "file", 0o777)`;
        const { stdout, stderr } = await amongMounts(
          script,
          root,
          [
            ...["-p", "python", "--no-landlock"],
            ...[`-W=${root}/open`, `-R=${root}/open`],
          ],
          ["/usr/bin/python3", "-c", inside, root, beside],
          engine,
        );
        assertEquals(stdout, "EPERM\n".repeat(2), stderr);
        const { mode } = await Deno.stat(`${root}/secret`);
        assertEquals((mode ?? 0) & 0o777, 0o600);
      },
    });
  }

  Deno.test({
    ...hasMounts(
      `jail (${engine}) lets nobody write to a control group, whatever may be written`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      await Deno.mkdir(`${path}/groups`);
      const script = `mount -t cgroup2 none groups && exec "$@"`;
      const tries =
        "echo 0 > groups/cgroup.procs; mkdir groups/jail-none; cat groups/cgroup.procs > /dev/null";
      const { stderr, code } = await run([
        ...["unshare", "-m", "sh", "-c", script, "sh"],
        ...jailArgv(["-A"], ["sh", "-c", `${tries} && exit 7`], engine),
      ], { cwd: path });
      const refused = stderr.match(/Operation not permitted/g) ?? [];
      assertEquals([refused.length, code], [2, 7], stderr);
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) stops a look into processes outside by another procfs`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      await Deno.mkdir(`${path}/p`);
      const script = `mount -t proc proc p && exec "$@"`;
      const tries =
        "cat p/1/environ; cat p/1/status; (: >p/self/mem) && echo opened; ls p/1/fd; cat p/1/root/etc/passwd";
      const { stdout, code } = await run([
        ...["unshare", "-m", "sh", "-c", script, "sh"],
        ...jailArgv(["-A"], ["sh", "-c", `${tries}; exit 7`], engine),
      ], { cwd: path });
      assertEquals([stdout, code], ["", 7]);
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) lets settings of the kernel be written elsewhere only by who names them`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      await Deno.mkdir(`${path}/s`);
      await Deno.mkdir(`${path}/k`);
      const mount =
        'mount -t sysfs sysfs s && mount --bind s/kernel k && exec "$@"';
      const tries =
        "for f in s/kernel/mm/ksm/run k/mm/ksm/run; do (: >>$f) && echo opened; done; exit 7";
      const named = `extends: allow-all\nwrite: [${path}/s, ${path}/k]\n`;
      await Deno.writeTextFile(`${path}/named.yaml`, named);
      const results = [];
      for (const flags of [["-A"], ["-p", "named.yaml"]]) {
        const { stdout, code } = await run([
          ...["unshare", "-m", "sh", "-c", mount, "sh"],
          ...jailArgv(flags, ["sh", "-c", tries], engine),
        ], { cwd: path });
        results.push([stdout, code]);
      }
      assertEquals(results, [["", 7], ["opened\nopened\n", 7]]);
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) runs programs where all of /proc is mounted to be read alone`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      const script = "mount --bind /proc /proc && " +
        'mount -o remount,ro,bind /proc && exec "$@"';
      // Threads have their arguments pinned, and a given time needs another start.
      const program = `import os, threading, time
def work(name):
    for _ in range(20):
        with open(name, "w") as file: file.write(name)
        os.rename(name, name + ".done")
threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sorted(os.listdir(".")), int(time.time()) // 1000)`;
      const policy = `extends: allow-all
sys: {time: {fixed: "2001-09-09T01:46:40Z"}}
`;
      await Deno.mkdir(`${path}/out`);
      await Deno.writeTextFile(`${path}/p.yaml`, policy);
      const { stdout, stderr, code } = await run([
        ...["unshare", "-m", "sh", "-c", script, "sh"],
        ...jailArgv(
          ["-p", "../p.yaml"],
          ["/usr/bin/python3", "-c", program],
          engine,
        ),
      ], { cwd: `${path}/out` });
      const expected = "['a.done', 'b.done', 'c.done'] 1000000\n";
      assertEquals([stdout, code], [expected, 0], stderr);
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) lets no rule fall whose file was removed where it is mounted from`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      const results = [];
      for (const access of ["read", "write", "run"]) {
        const { stdout } = await amongMounts(
          MOUNTED_ALONE,
          path,
          ["-A", `--deny-${access}=${path}/link`],
          ["sh", "-c", "cat file; (: >>file) && echo written; ./file; echo $?"],
          engine,
        );
        results.push(stdout);
      }
      const text = "#!/bin/sh\necho runs\n";
      const expected = [
        "written\n2\n",
        `${text}runs\n0\n`,
        `${text}written\n126\n`,
      ];
      assertEquals(results, expected);
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) uses a file that was removed where it is mounted from`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      const program = `import os
fd = os.open("file", os.O_RDONLY)
os.fchmod(fd, 0o700)
open(f"/proc/self/fd/{fd}", "a").close()
os.execv("program", ["echo", open(f"/dev/fd/{fd}").readline().strip()])`;
      const { stdout, stderr } = await amongMounts(
        MOUNTED_ALONE,
        path,
        ["-p", "python", `-R=${path}`, `-W=${path}`, `--allow-run=${path}`],
        ["/usr/bin/python3", "-c", program],
        engine,
      );
      assertEquals(stdout, "#!/bin/sh\n", stderr);
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) takes nothing of another mount namespace for what has its name here`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      // Another process, for which something else is mounted there, and a link to that.
      const script = `cd "$0" && mkdir -p here other && echo here >here/file &&
mkfifo ready && { unshare -m sh -c '
  mount --bind other here && echo ready >ready && exec sleep 60' & } &&
read -r line <ready && rm ready && ln -s /proc/$!/root$PWD/here link &&
ln -s /proc/$!/root root && { "$@"; kill $!; rm link root; }`;
      const ls = ["ls", `${path}/here`];
      const results = [];
      for (
        const [flags, argv] of [
          [["-R=link"], ls],
          [["-R=here"], ls],
          [["-A", "--deny-read=link"], ls],
          [["-A", "--root=root"], ls],
        ] as const
      ) {
        const { stdout } = await amongMounts(
          script,
          path,
          flags,
          argv,
          engine,
        );
        results.push(stdout);
      }
      assertEquals(results, ["", "file\n", "file\n", ""]);
    },
  });
}
