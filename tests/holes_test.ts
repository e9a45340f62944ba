/** Holes that were found by attacking the jail, each with the fix that holds. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { SYSCALLS } from "../src/abi/syscalls.ts";
import {
  type Ended,
  ENGINES,
  fixture,
  jail,
  jailArgv,
  run,
  start,
} from "./harness.ts";
import { scratch } from "./jail.ts";
import { hasMachine, hasMounts, needs, serialLine } from "./needs.ts";

/** Python that tries something, and prints its errno's name or "done". */
function attempt(code: string): readonly string[] {
  return [
    "python3",
    "-c",
    `import errno, os, socket, sys\ntry:\n  ${
      code.replaceAll("\n", "\n  ")
    }\n  print("done")\nexcept OSError as e: print(errno.errorcode[e.errno])`,
  ];
}

/** A serial line that can be opened here. */
const LINE = await serialLine();

/** Whether a disk can be made of a file here. */
const DISKS = Deno.uid() === 0 &&
  (await run(["sh", "-c", "losetup -f && test -b /dev/loop0"])).code === 0;

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) closes what a rule names by a link of /proc, of threads too`, async () => {
    const closed = ["--allow-read", "--deny-read=/proc/net,/proc/mounts"];
    const names = ["net/tcp", "mounts"].flatMap((name) =>
      ["", "self/", "thread-self/", "self/task/$$/"].map((of) =>
        `/proc/${of}${name}`
      )
    );
    for (const name of names) {
      const { code, stdout } = await jail([...closed, "--allow-run"], [
        ...["sh", "-c", `read line < ${name} && echo "$line"`],
      ], { engine });
      assertEquals([name, code, stdout], [name, 2, ""]);
    }
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a change to a device that may be written`,
    ),
    async fn(): Promise<void> {
      const tries = [
        `os.chmod("/dev/full", 0o666)`,
        `os.utime("/dev/full")`,
        `os.unlink("/dev/full")`,
        `os.rename("/dev/full", "/dev/full2")`,
        `os.fchmod(os.open("/dev/full", os.O_WRONLY), 0o666)`,
      ];
      for (const code of tries) {
        const { stdout } = await jail(["-A", "--no-landlock"], attempt(code), {
          engine,
        });
        assertEquals([code, stdout], [code, "EPERM\n"]);
      }
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) signals nobody outside by a descriptor that it is handed`,
    ),
    async fn(): Promise<void> {
      const inside = `import os, signal, sys, threading
def send(fd):
  try: signal.pidfd_send_signal(fd, signal.SIGKILL); return "sent"
  except OSError as error: return error.strerror
def own():
  child = os.fork()
  if child == 0: signal.pause()
  fd = os.pidfd_open(child)
  sent = send(fd)
  os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
  again = send(fd)
  os.waitpid(child, 0)
  return sent, again, send(fd)
def all(): print(*map(send, map(int, sys.argv[1:])), *own(), send(0), send(99), sep=", ")
all()
thread = threading.Thread(target=all)
thread.start()
thread.join()`;
      const outside = `import os, subprocess, sys
with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as other:
  fds = [os.pidfd_open(other.pid), os.open(f"/proc/{other.pid}", os.O_RDONLY)]
  at = sys.argv.index("--")
  keep = [f"--keep-fd={fd}" for fd in fds]
  subprocess.call(sys.argv[1:at] + keep + sys.argv[at:] + [str(fd) for fd in fds], pass_fds=fds)
  print("lives" if other.poll() is None else "gone")`;
      const argv = jailArgv(
        ["-p", "python", "--no-landlock"],
        ["/usr/bin/python3", "-c", inside],
        engine,
      );
      const start = ["/usr/bin/python3", "-c", outside, ...argv];
      const { stdout, stderr } = await run(start);
      const [none, bad] = ["No such process", "Bad file descriptor"];
      const line = [none, none, "sent", "sent", none, bad, bad].join(", ");
      assertEquals(stdout, `${line}\n${line}\nlives\n`, stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) tells of the machine's interfaces by no socket where it has no network`,
    ),
    async fn(): Promise<void> {
      const [, ...ask] = attempt(`import fcntl
one, other = socket.socketpair()
for command in 0x8910, 0x8912, 0x8927:
  fcntl.ioctl(one, command, bytes([0] * 16 + [1]) + bytes(23))
  print("told")`);
      const argv = ["/usr/bin/python3", ...ask];
      const closed = await jail([], argv, { engine });
      const open = await jail(["-A"], argv, { engine });
      assertEquals(closed.stdout, "EACCES\n");
      assertMatch(open.stdout, /^told\n/);
      const SO_BINDTOIFINDEX = 62;
      const [, ...bound] = attempt(
        `socket.socketpair()[0].setsockopt(1, ${SO_BINDTOIFINDEX}, 1)`,
      );
      const bind = ["/usr/bin/python3", ...bound];
      assertEquals((await jail([], bind, { engine })).stdout, "EACCES\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) tells of no interface by a socket that it is handed, and joins no group`,
    ),
    async fn(): Promise<void> {
      const [, ...tell] = attempt(`import struct
one = socket.socket(fileno=0)
one.setsockopt(0, 2, 64)
IP_UNICAST_IF, IP_MULTICAST_IF, IP_ADD_MEMBERSHIP = 50, 32, 35
group, local = socket.inet_aton("224.0.0.9"), socket.inet_aton("127.0.0.1")
for option, value in (
    (IP_UNICAST_IF, struct.pack("!I", 1)),
    (IP_MULTICAST_IF, local),
    (IP_ADD_MEMBERSHIP, group + local),
):
    try:
        one.setsockopt(0, option, value)
        print("told")
    except OSError as error:
        print(errno.errorcode[error.errno])`);
      // A socket for datagrams is its input, as of a server that inetd starts.
      const hand = "import os, socket, sys\n" +
        "one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n" +
        "os.dup2(one.fileno(), 0)\nos.execvp(sys.argv[1], sys.argv[1:])";
      const handed = (...flags: readonly string[]): Promise<Ended> =>
        run([
          ...["/usr/bin/python3", "-c", hand],
          ...jailArgv(flags, ["/usr/bin/python3", ...tell], engine),
        ]);
      const closed = await handed("-p", "readonly");
      assertEquals(closed.stdout, "EACCES\nEACCES\nEACCES\ndone\n");
      assertMatch((await handed("-A")).stdout, /^told\ntold\n/);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a group outside put in front of the terminal, or joined`,
    ),
    async fn(): Promise<void> {
      // As a shell that has another job beside the jail.
      const outside = `import os, signal, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
def job(argv):
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.execvp(argv[0], argv)
    return pid
other = job(["sleep", "60"])
while os.getpgid(other) != other: pass
pid = job(sys.argv[1:] + [str(other)])
while os.getpgid(pid) != pid: pass
os.tcsetpgrp(0, pid)
os.waitpid(pid, 0)
os.kill(other, signal.SIGKILL)`;
      const inside = `import errno, os, signal, sys, threading
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
def attempt(call):
    try: call(); print("done")
    except OSError as e: print(errno.errorcode[e.errno])
other, own = int(sys.argv[1]), os.getpgrp()
def attempts():
    attempt(lambda: os.tcsetpgrp(0, other))
    attempt(lambda: os.tcsetpgrp(0, 4194303))
    attempt(lambda: os.tcsetpgrp(0, own))
    child = os.fork()
    if child == 0:
        attempt(lambda: os.setpgid(0, other))
        sys.stdout.flush()
        os._exit(0)
    os.setpgid(child, child)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    attempt(lambda: os.tcsetpgrp(0, child)) # a job that has ended
    os.tcsetpgrp(0, own)
    os.waitpid(child, 0)
attempts()
threading.Thread(target=lambda: threading.Event().wait(), daemon=True).start()
attempts()
sys.stdout.flush()
os._exit(0)`;
      const { stdout } = await run([
        fixture("in_terminal"),
        "/usr/bin/python3",
        "-c",
        outside,
        ...jailArgv(
          ["-A"],
          ["/usr/bin/python3", "-W", "ignore", "-c", inside],
          engine,
        ),
      ]);
      const answers = ["ESRCH", "ESRCH", "done", "EPERM", "done"];
      assertEquals(stdout.match(/ESRCH|EPERM|done/g), [...answers, ...answers]);
    },
  });

  Deno.test(`jail (${engine}) lets nobody choose which signal somebody outside gets of a terminal`, async () => {
    // As an editor that hears of keys by SIGIO, beside a job at the same terminal.
    const outside = `import fcntl, os, pty, signal, subprocess, sys
both = {signal.SIGIO, signal.SIGUSR1}
signal.pthread_sigmask(signal.SIG_BLOCK, both)
ours, theirs = pty.openpty()
fcntl.fcntl(theirs, fcntl.F_SETOWN, os.getpid())
fcntl.fcntl(theirs, fcntl.F_SETFL, os.O_RDWR | os.O_ASYNC)
subprocess.run(sys.argv[1:], stdin=theirs, check=True)
os.write(ours, b"key\\n")
print(signal.sigwait(both).name)`;
    const inside = `import fcntl, signal
try: fcntl.fcntl(0, fcntl.F_SETSIG, signal.SIGUSR1)
except PermissionError: pass`;
    const python = ["/usr/bin/python3", "-c"];
    const argv = jailArgv(["-A"], [...python, inside], engine);
    const { stdout } = await run([...python, outside, ...argv]);
    assertEquals(stdout, "SIGIO\n");
  });

  Deno.test(`jail (${engine}) has nobody hang up on the group that it was started in`, async () => {
    const orphan = fixture("orphan_group");
    for (
      const way of [["leave", "3"], ["join", "3"], ["adopt", "3"], [
        "race",
        "100",
      ]]
    ) {
      const argv = jailArgv(["-A"], [orphan, ...way], engine);
      const ended = await run([orphan, "stay", ...argv]);
      assertEquals([way, ended.stdout, ended.code], [way, "0\n", 0]);
    }
    // Where nobody stays behind, a group can be left, and joined again.
    const script = `import os
own = os.getpgid(0)
os.setpgid(0, 0)
os.setpgid(0, own)
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    os._exit(os.getpgid(0) != os.getpid())
print(os.waitpid(child, 0)[1])`;
    const python = ["/usr/bin/python3", "-c", script];
    const { stdout } = await jail(["-A"], python, { engine });
    assertEquals(stdout, "0\n");
    // Nor does it matter who does where nobody else is in the group.
    const argv = jailArgv(["-A"], ["sh", "-c", 'sleep 9 & exec "$@"', "sh"]);
    const alone = ["setsid", "-w", ...argv, ...python];
    assertEquals((await run(alone)).stdout, "0\n");
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) takes no group for its own alone where /proc hides processes`,
    ),
    async fn(): Promise<void> {
      const hide = 'mount -t proc -o hidepid=2 proc /proc; exec setsid -w "$@"';
      const leave = `import errno, os
try: os.setpgid(0, 0)
except OSError as e: print(errno.errorcode[e.errno])`;
      const python = ["/usr/bin/python3", "-c", leave];
      const argv = ["sh", "-c", 'sleep 9 & exec "$@"', "sh", ...python];
      const { stdout } = await run([
        ...["unshare", "-m", "sh", "-c", hide, "sh"],
        ...jailArgv(["-A"], argv, engine),
      ]);
      assertEquals(stdout, "EPERM\n");
    },
  });

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
      const inside = `import errno, os, socket, sys
root, number = sys.argv[1:]
_, given, _, _ = socket.recv_fds(socket.socket(fileno=int(number)), 1, 9)
file, directory = given
def attempt(call):
    try: print("done", call())
    except OSError as e: print(errno.errorcode[e.errno])
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
      assertEquals(answers.pop(), "done b'open'", stderr);
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
      const { code, stdout, stderr } = await run([
        ...["unshare", "-m", "sh", "-c", script, path],
        ...jailArgv(
          ["-R", `-W=${path}/open`, "--allow-run", "--keep-fd=8"],
          ["/usr/bin/python3", "-c", inside],
          engine,
        ),
      ]);
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
      const inside = `import errno, os, sys
os.chdir(sys.argv[1])
seen = os.open("seen", os.O_RDONLY)
for _ in range(4): os.stat("seen"), os.stat(".", dir_fd=seen)
print("ready", flush=True)
sys.stdin.readline()
def attempt(call):
    try: print("done", call())
    except OSError as e: print(errno.errorcode[e.errno])
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
      const inside = `import errno, os, sys
os.chdir(sys.argv[1])
def attempt(old, new, read):
    try: os.rename(old, new)
    except OSError as e: return print(errno.errorcode[e.errno])
    print("moved")
    try: print(open(read).read())
    except OSError as e: print(errno.errorcode[e.errno])
attempt("all/closed", "all/open", "data/open/key")
attempt("all/closed/key", "all/key", "data/key")
attempt("all/closed/key", "all/seen/key", "part/key")
open("all/new", "w").close()
attempt("all/new", "all/newer", "data/newer")`;
      const { stdout, stderr } = await run([
        ...["unshare", "-m", "sh", "-c", script, root],
        ...jailArgv(
          [
            ...["-p", "python", `-R=${root}/data,${root}/part`],
            ...[`--deny-read=${root}/data/closed`, `-W=${root}/all`],
          ],
          ["/usr/bin/python3", "-c", inside, root],
          engine,
        ),
      ]);
      assertEquals(stdout, "EXDEV\nEACCES\nEACCES\nmoved\n\n", stderr);
      assertEquals(
        await Deno.readTextFile(`${root}/data/closed/key`),
        "secret",
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
      const { stdout, stderr } = await run([
        ...["unshare", "-m", "sh", "-c", script, root],
        ...jailArgv(
          [
            ...["-p", "python", `-R=${root}`, `-W=${root}/all`],
            `--allow-net=unix:${root}/part/seen/socket`,
          ],
          ["/usr/bin/python3", "-c", inside, root],
          engine,
        ),
      ]);
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
      const outside = `import subprocess, sys
root, *jail = sys.argv[1:]
with subprocess.Popen(jail + [root], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
    print(program.stdout.readline().decode(), end="")
    subprocess.check_call(["mount", "-t", "proc", "proc", root + "/open/proc"])
    print(program.communicate()[0].decode(), end="")`;
      const inside = `import errno, os, sys
proc = sys.argv[1] + "/open/proc"
print("ready", flush=True)
sys.stdin.readline()
for of in "1/cmdline", "self/mem", "sys/kernel/core_pattern":
    for flags in os.O_RDONLY, os.O_RDWR:
        try: print("done", os.open(f"{proc}/{of}", flags))
        except OSError as e: print(errno.errorcode[e.errno])
try: print("done", os.stat(f"{proc}/1/cmdline"))
except OSError as e: print(errno.errorcode[e.errno])`;
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
      `jail (${engine}) closes another procfs also where it was moved with a directory`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const root = directory.path;
      await Deno.mkdir(`${root}/open/box/proc`, { recursive: true });
      await Deno.mkdir(`${root}/open/alias`);
      const script = `cd "$0/open"; mount -t tmpfs box box; mkdir -p box/in/proc
mount --bind box alias; mount -t proc proc box/in/proc; exec "$@"`;
      const inside = `import errno, os, sys
where = sys.argv[1] + "/open"
def attempt():
    for of in "1/cmdline", f"{os.getpid()}/mem", "sys/kernel/core_pattern":
        for flags in os.O_RDONLY, os.O_RDWR:
            try: print("done", os.open(f"{where}/{at}/proc/{of}", flags))
            except OSError as e: print(errno.errorcode[e.errno])
at = "box/in"
attempt()
os.rename(where + "/box/in", where + "/box/out")
at = "box/out"
attempt()
os.rename(where + "/alias/out", where + "/alias/on")
at = "box/on"
attempt()`;
      const { stdout, stderr } = await run([
        ...["unshare", "-m", "sh", "-c", script, root],
        ...jailArgv(
          ["-p", "python", `-W=${root}/open`, `-R=${root}/open`],
          ["/usr/bin/python3", "-c", inside, root],
          engine,
        ),
      ]);
      assertEquals(stdout, "EPERM\n".repeat(18), stderr);
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
      const inside = `import errno, os, sys
def attempt(at):
    try: print("done", os.open(f"{sys.argv[1]}/{at}/kernel/{sys.argv[2]}", os.O_WRONLY))
    except OSError as e: print(errno.errorcode[e.errno])
attempt("open/box/in/sys")
os.rename(f"{sys.argv[1]}/open/box/in", f"{sys.argv[1]}/open/box/out")
attempt("open/box/out/sys")
attempt("named")`;
      const { stdout, stderr } = await run([
        ...["unshare", "-m", "sh", "-c", script, root],
        ...jailArgv(
          ["-p", "python", `-W=${root}/open,${root}/named`, `-R=${root}`],
          ["/usr/bin/python3", "-c", inside, root, found.stdout.trim()],
          engine,
        ),
      ]);
      assertEquals(stdout, "EACCES\nEPERM\ndone 3\n", stderr);
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
        const inside = `import errno, os, sys, threading
where, beside = sys.argv[1] + "/open", sys.argv[2]
if beside: threading.Thread(target=os.read, args=(os.pipe()[0], 1), daemon=True).start()
os.chdir(where + "/disk/in")
os.symlink(sys.argv[1] + "/secret", "file")
os.rename(where + "/alias/in", where + "/alias/of/over/in")
def attempt():
    try: print("done", os.chmod("file", 0o777))
    except OSError as e: print(errno.errorcode[e.errno])
attempt()
os.rename(where + "/alias/of", where + "/alias/by")
seen = where + "/disk/by/over/in"
os.mkdir(seen)
open(seen + "/file", "w").close()
attempt()`;
        const { stdout, stderr } = await run([
          ...["unshare", "-m", "sh", "-c", script, root],
          ...jailArgv(
            [
              ...["-p", "python", "--no-landlock"],
              ...[`-W=${root}/open`, `-R=${root}/open`],
            ],
            ["/usr/bin/python3", "-c", inside, root, beside],
            engine,
          ),
        ]);
        assertEquals(stdout, "EPERM\n".repeat(2), stderr);
        const { mode } = await Deno.stat(`${root}/secret`);
        assertEquals((mode ?? 0) & 0o777, 0o600);
      },
    });
  }

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops words read from another terminal`,
    ),
    async fn(): Promise<void> {
      // A terminal outside: Python makes one, and runs the jail beside it.
      const inside = `import os, sys
for attempt in (
    lambda name: os.open(name, os.O_RDWR | os.O_NOCTTY),
    lambda name: os.chmod(name, 0o666),
    lambda name: os.chown(name, 65534, -1),
    os.utime,
):
    try: attempt(sys.argv[1]); print("done")
    except OSError as e: print(e.errno)`;
      const outside = `import os, pty, subprocess, sys
master, slave = pty.openpty()
sys.exit(subprocess.call(sys.argv[1:] + [os.ttyname(slave)], stdin=subprocess.DEVNULL))`;
      const { stdout } = await run([
        "python3",
        "-c",
        outside,
        ...jailArgv(["-A"], ["/usr/bin/python3", "-c", inside], engine),
      ]);
      assertEquals(stdout, "1\n".repeat(4));
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets a program open a terminal of its own`,
    ),
    async fn(): Promise<void> {
      const code = `import os, pty
master, slave = pty.openpty()
os.open(os.ttyname(slave), os.O_RDWR | os.O_NOCTTY); print("opened")`;
      const { stdout } = await jail(["-A"], ["/usr/bin/python3", "-c", code], {
        engine,
      });
      assertEquals(stdout, "opened\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops writing to its own audit log`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const log = `${directory.path}/log`;
      const { stdout } = await jail(
        ["-A", `--audit=${log}`],
        attempt(`open("${log}", "w")`),
        { engine },
      );
      assertEquals(stdout, "EACCES\n");
      assertStringIncludes(await Deno.readTextFile(log), `"decision":"refuse"`);
    },
  });

  Deno.test(`jail (${engine}) stops a change to its own audit log, whatever letters are in its name`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    await Deno.mkdir(`${path}/ü`);
    const { stdout } = await jail(
      ["-A", `--audit=${path}/ü/lög`],
      ["sh", "-c", "echo >ü/lög; mv ü/lög x; mv ü x; rm ü/lög; ls ü"],
      { engine, cwd: path },
    );
    assertEquals(stdout, "lög\n");
    const log = await Deno.readTextFile(`${path}/ü/lög`);
    assertStringIncludes(log, `"decision":"refuse"`);
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops writing to its own audit log by a link that it had`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const log = await directory.file("log", "");
      await Deno.link(log, `${directory.path}/other`);
      await directory.file("third", "");
      for (const [name, wanted] of [["other", "EPERM"], ["third", "done"]]) {
        const { stdout } = await jail(
          ["-A", `--audit=${log}`],
          attempt(`open("${directory.path}/${name}", "w")`),
          { engine },
        );
        assertEquals([name, stdout], [name, `${wanted}\n`]);
      }
    },
  });

  Deno.test(`jail (${engine}) keeps a link by which its audit log is named`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    await directory.file("log", "");
    await Deno.symlink("links/log", `${path}/current`);
    await Deno.mkdir(`${path}/links`);
    await Deno.symlink("../log", `${path}/links/log`);
    const script = "rm current; ln -sfn other current; mv current x; " +
      "rm links/log; mv links x; rm -r x; ls";
    const { stdout } = await jail(
      ["-R", `-W=${path}`, "--allow-run", `--audit=${path}/current`],
      ["sh", "-c", script],
      { engine, cwd: path },
    );
    assertEquals(stdout, "current\nlinks\nlog\n");
    assertEquals(await Deno.readLink(`${path}/current`), "links/log");
    assertEquals(await Deno.readLink(`${path}/links/log`), "../log");
  });

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
    ...hasMachine(
      LINE !== undefined,
      "serial line",
      `jail (${engine}) stops a line that may only be read from being set`,
    ),
    async fn(): Promise<void> {
      // How it is set already, and the end of a break: nothing changes.
      const code = `import fcntl, os, termios
for how in os.O_RDONLY, os.O_RDWR:
  try: fd = os.open("${LINE}", how | os.O_NONBLOCK | os.O_NOCTTY)
  except OSError as error: print("open", error.strerror); continue
  modes = bytearray(64)
  fcntl.ioctl(fd, termios.TCGETS, modes)
  for command, arg in (termios.TCSETS, modes), (0x5428, 0):
    try: fcntl.ioctl(fd, command, arg); print("done")
    except OSError as error: print(error.strerror)`;
      const results = [];
      for (const flags of [[], [`--allow-write=${LINE}`]]) {
        const { stdout } = await jail(
          [`--allow-read=/,${LINE}`, "--allow-run", ...flags],
          ["/usr/bin/python3", "-c", code],
          { engine },
        );
        results.push(stdout.trim().split("\n"));
      }
      const no = "Operation not permitted";
      assertEquals(results, [
        [no, no, "open Permission denied"],
        Array(4).fill("done"),
      ]);
    },
  });

  Deno.test({
    ...hasMachine(
      LINE !== undefined,
      "serial line",
      `jail (${engine}) stops a line that may only be read from being written as the program's own terminal`,
    ),
    async fn(): Promise<void> {
      const code = `import fcntl, os, termios
if os.fork() > 0: os.wait(); os._exit(0)
os.setsid()
line = os.open("${LINE}", os.O_RDONLY | os.O_NONBLOCK)
try: fcntl.ioctl(line, termios.TIOCSCTTY, 0); print("taken")
except OSError as error: print(error.strerror)
try: os.open("/dev/tty", os.O_RDWR); print("opened")
except OSError as error: print(error.strerror)`;
      const { stdout } = await jail(
        [`--allow-read=/,${LINE}`, "--allow-write=/dev/tty", "--allow-run"],
        ["/usr/bin/python3", "-c", code],
        { engine },
      );
      assertEquals(
        stdout,
        "Operation not permitted\nNo such device or address\n",
      );
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) chooses nobody among servers that share the port of a socket which is handed in`,
    ),
    async fn(): Promise<void> {
      const outside = `import socket, subprocess, sys
def server():
  it = socket.socket()
  it.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
  it.bind(("127.0.0.1", port)); it.listen()
  return it
port = 0
first = server()
port = first.getsockname()[1]
second = server()
subprocess.run(sys.argv[1:], stdin=second.fileno())`;
      // BPF_RET: the second one of them.
      const inside = `import ctypes, socket, struct
code = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 1))
it = socket.socket(fileno=0)
for option, value in (51, struct.pack("HxxxxxxQ", 1, ctypes.addressof(code))), (49, struct.pack("i", 0)), (68, bytes(4)):
  try: it.setsockopt(socket.SOL_SOCKET, option, value); print("done")
  except OSError as error: print(error.strerror)`;
      const argv = ["/usr/bin/python3", "-c", inside];
      const { stdout, stderr } = await run([
        ...["/usr/bin/python3", "-c", outside],
        ...jailArgv(["-R", "--allow-run"], argv, engine),
      ]);
      assertEquals(stdout, "Permission denied\n".repeat(3), stderr);
    },
  });

  Deno.test({
    ...hasMachine(
      DISKS,
      "loop device",
      `jail (${engine}) keeps nobody from a disk that may only be read`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const file = await directory.file("file", "x".repeat(4096));
      const made = await run(["losetup", "-f", "--show", file]);
      const disk = made.stdout.trim();
      const code = `import os
for how in 0, os.O_EXCL:
  try: os.close(os.open("${disk}", os.O_RDONLY | how)); print("opened")
  except OSError as error: print(error.strerror)`;
      const { stdout } = await jail(
        [`--allow-read=/,${disk}`, "--allow-run"],
        ["/usr/bin/python3", "-c", code],
        { engine },
      );
      await run(["losetup", "-d", disk]);
      assertEquals(stdout, "opened\nOperation not permitted\n", made.stderr);
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
      `jail (${engine}) stops a socket made or reached where nothing may be written`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const path = `${directory.path}/s`;
      const closed = ["-A", `--deny-write=${directory.path}`];
      for (const call of ["bind", "connect"]) {
        const { stdout } = await jail(
          closed,
          attempt(`socket.socket(socket.AF_UNIX).${call}("${path}")`),
          { engine },
        );
        assertEquals([call, stdout], [call, "EACCES\n"]);
      }
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) goes on while a hundred opens of a pipe wait`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const code = `import os, threading
os.mkfifo("f")
def wait(): os.close(os.open("f", os.O_RDONLY))
threads = [threading.Thread(target=wait) for _ in range(100)]
for t in threads: t.start()
os.stat(".")
w = os.open("f", os.O_WRONLY)
for t in threads: t.join()
print("all")`;
      const { stdout } = await jail(["-A"], ["/usr/bin/python3", "-c", code], {
        engine,
        cwd: directory.path,
      });
      assertEquals(stdout, "all\n");
    },
  });

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
    ...needs(
      ["python3"],
      `jail (${engine}) stops what is done to a closed file by a descriptor of a link to it`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      await Deno.mkdir(`${path}/closed`);
      const closed = await directory.file("closed/file", "secret", 0o640);
      await Deno.utime(closed, 1000, 1000);
      const code = `import errno, os, signal, socket, stat
other = os.fork()
if other == 0:
  signal.pause()
os.symlink("closed/file", "link")
os.symlink("closed", "above")
link = f"/proc/self/fd/{os.open('link', os.O_PATH | os.O_NOFOLLOW)}"
above = f"/proc/self/fd/{os.open('above', os.O_PATH | os.O_NOFOLLOW)}"
def attempt(what):
  try: print(what())
  except OSError as error: print(errno.errorcode[error.errno])
for path in link, link.replace("self", str(os.getpid())):
  attempt(lambda: os.chmod(path, 0o777))
  attempt(lambda: os.utime(path, (5, 5)))
  attempt(lambda: os.truncate(path, 0))
  attempt(lambda: os.getxattr(path, "user.x"))
  attempt(lambda: os.open(path, os.O_RDONLY))
  attempt(lambda: stat.S_ISLNK(os.stat(path).st_mode))
attempt(lambda: socket.socket(socket.AF_UNIX).connect(link))
attempt(lambda: os.chdir(above))
attempt(lambda: os.listdir(above))
attempt(lambda: os.mkdir(above + "/made"))
os.kill(other, signal.SIGKILL)`;
      const policy =
        `extends: allow-all\nread: {deny: ["${path}/closed"]}\nwrite: {deny: ["${path}/closed"]}\n`;
      const argv = ["/usr/bin/python3", "-c", code];
      const ended = await jail(policy, argv, { engine, cwd: path });
      // What the kernel says of the link itself.
      const ofLink = "ENOTSUP\nNone\nEINVAL\nENODATA\nELOOP\nTrue\n";
      const others = "ECONNREFUSED\nENOTDIR\nENOTDIR\nENOTDIR\n";
      assertEquals(ended.stdout, ofLink.repeat(2) + others, ended.stderr);
      const { mode, mtime } = await Deno.stat(closed);
      assertEquals([(mode ?? 0) & 0o777, mtime], [0o640, new Date(1_000_000)]);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) starts no path at a descriptor of a link`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      // Who walks a path name by name takes it from this that no link is on the way.
      const code = `import errno, os, signal, sys
if sys.argv[1] == "beside": other = os.fork()
else: other = -1
if other == 0: signal.pause()
os.makedirs("real/directory")
open("real/file", "w").close()
os.symlink("real", "link")
at = os.open("link", os.O_PATH | os.O_NOFOLLOW)
def attempt(what):
  try: print(what())
  except OSError as error: print(errno.errorcode[error.errno])
attempt(lambda: os.open("file", os.O_RDONLY, dir_fd=at))
attempt(lambda: os.open("file", os.O_RDWR, dir_fd=at))
attempt(lambda: os.open("new", os.O_RDWR | os.O_CREAT, dir_fd=at))
attempt(lambda: os.stat(".", dir_fd=at))
attempt(lambda: os.stat("../real", dir_fd=at))
attempt(lambda: os.chmod("file", 0o600, dir_fd=at))
attempt(lambda: os.rmdir("directory", dir_fd=at))
attempt(lambda: os.rename("file", "other", src_dir_fd=at))
if other > 0: os.kill(other, signal.SIGKILL)`;
      for (const beside of ["alone", "beside"]) {
        const argv = ["/usr/bin/python3", "-c", code, beside];
        await Deno.mkdir(`${path}/${beside}`);
        const { stdout, stderr } = await jail(["-A"], argv, {
          engine,
          cwd: `${path}/${beside}`,
        });
        assertEquals(stdout, "ENOTDIR\n".repeat(8), stderr);
      }
    },
  });

  Deno.test({
    ...hasMachine(
      Deno.uid() === 0,
      "root to run it",
      `jail (${engine}) signals nobody whom a program may not signal itself`,
    ),
    async fn(): Promise<void> {
      const code = `import os, signal, time
came = []
signal.signal(signal.SIGUSR1, lambda *_: came.append(1))
for user in 65534, 0:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        os.setresuid(user, user, user)
        for whom in -1, 0:
            for number in signal.SIGUSR1, signal.SIGCONT:
                try: os.kill(whom, number); print(user, whom, "sent", flush=True)
                except OSError as error: print(user, whom, type(error).__name__, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    time.sleep(0.1)
    print(len(came) > 0)`;
      const { stdout, stderr } = await jail(
        ["-A"],
        ["/usr/bin/python3", "-c", code],
        { engine },
      );
      const sent = (user: number): string =>
        `${user} -1 sent\n${user} 0 sent\n${user} 0 sent\n`;
      assertEquals(
        [stdout, stderr],
        [
          `65534 -1 PermissionError\n${sent(65534)}False\n` +
          `0 -1 sent\n${sent(0)}True\n`,
          "",
        ],
      );
    },
  });

  Deno.test({
    ...hasMachine(
      Deno.uid() === 0,
      "root to run it",
      `jail (${engine}) signals nobody for a program whose name looks like a status with more rights`,
    ),
    async fn(): Promise<void> {
      const code = `import ctypes, os, signal
PR_SET_NAME = 15
came = []
signal.signal(signal.SIGUSR1, lambda *_: came.append(1))
for name in b"\\rUid:\\t0\\t0\\t0", b"\\rCapEff:20":
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        os.setresuid(65534, 65534, 65534)
        ctypes.CDLL(None).prctl(PR_SET_NAME, name, 0, 0, 0)
        try: os.kill(-1, signal.SIGUSR1); print("sent", flush=True)
        except PermissionError: print("refused", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    print(len(came))`;
      const { stdout, stderr } = await jail(
        ["-A"],
        ["/usr/bin/python3", "-c", code],
        { engine },
      );
      assertEquals([stdout, stderr], ["refused\n0\nrefused\n0\n", ""]);
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
    ...needs(
      ["python3"],
      `jail (${engine}) stops a file opened anew by the number of a descriptor of its own`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const file = await directory.file("seen", "secret");
      // openat2(2) with RESOLVE_CACHED: jail once gave the kernel a number of
      // its own, which means another file here.
      const code = `import ctypes, os, struct, threading
seen = os.open(${JSON.stringify(file)}, os.O_RDONLY)
pipe, _ = os.pipe()
os.dup2(pipe, 500)
for fd in range(3, 400):
    if fd != seen: os.dup2(seen, fd)
threading.Thread(target=lambda: threading.Event().wait(), daemon=True).start()
libc = ctypes.CDLL(None, use_errno=True)
for resolve, path in ((0x20, b"/proc/self/fd/500"), (0x20, b"/proc/%d/fd/500" % os.getpid()), (0x01, b"/proc/self/fd/500")):
    how = struct.pack("QQQ", os.O_RDWR, 0, resolve)
    fd = libc.syscall(437, -100, path, how, len(how))
    if fd >= 0 and os.readlink(f"/proc/self/fd/{fd}").startswith("/"): print("opened", path)
os._exit(7)`;
      const { stdout, stderr, code: exit } = await jail(
        `extends: allow-all\nwrite: {deny: ["${file}"]}`,
        ["/usr/bin/python3", "-c", code],
        { engine },
      );
      assertEquals([stdout, stderr, exit], ["", "", 7]);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a core that is piped to a program outside`,
    ),
    async fn(): Promise<void> {
      // What the kernel takes to mean no core at all; 0 is for files alone.
      const code = `import resource
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
print(resource.getrlimit(resource.RLIMIT_CORE))`;
      const { stdout } = await jail(["-A"], ["/usr/bin/python3", "-c", code], {
        engine,
      });
      assertEquals(stdout, "(1, 1)\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3", "sh", "cat"],
      `jail (${engine}) stops a pipe opened anew at its other end`,
    ),
    async fn(): Promise<void> {
      const inside = `import errno, os
for number, flags in (
    (0, os.O_RDONLY), (0, os.O_WRONLY), (0, os.O_RDWR),
    (1, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY),
):
    try: os.open(f"/proc/self/fd/{number}", flags | os.O_NONBLOCK); print("done")
    except OSError as e: print(errno.errorcode[e.errno])
own = os.pipe()
os.open(f"/proc/self/fd/{own[1]}", os.O_RDONLY | os.O_NONBLOCK)
print("own")`;
      const { stdout } = await run([
        "sh",
        "-c",
        `cat /dev/null | "$@" 2>&1 | cat`,
        "sh",
        ...jailArgv(["-A"], ["/usr/bin/python3", "-c", inside], engine),
      ]);
      assertEquals(stdout.split("\n"), [
        "done",
        "EPERM",
        "EPERM",
        "done",
        "EPERM",
        "EPERM",
        "own",
        "",
      ]);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets a program open at its other end a pipe that only the jail can have`,
    ),
    async fn(): Promise<void> {
      const inside = `import os
ends = os.pipe()
os.close(ends[1])
memory = os.memfd_create("own")
read = os.open(f"/proc/self/fd/{memory}", os.O_RDONLY)
os.close(memory)
for fd in ends[0], read:
    print(os.write(os.open(f"/proc/self/fd/{fd}", os.O_RDWR), b"own"))`;
      for (const net of [[], ["--allow-net=127.0.0.1"]]) {
        const { stdout } = await jail(
          ["-R=/", "--allow-run", ...net],
          ["/usr/bin/python3", "-c", inside],
          { engine },
        );
        assertEquals(stdout, "3\n3\n");
      }
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) opens nothing that came by a socket for more than it was sent for`,
    ),
    async fn(): Promise<void> {
      const outside = `import os, socket, subprocess, sys
ours, theirs = socket.socketpair()
os.dup2(theirs.fileno(), 9)
memory = os.memfd_create("sent")
ends = os.pipe()
socket.send_fds(ours, [b"x"], [ends[0], os.open(f"/proc/self/fd/{memory}", os.O_RDONLY)])
sys.exit(subprocess.run(sys.argv[1:], pass_fds=(9,)).returncode)`;
      const inside = `import errno, os, socket
own = os.memfd_create("sent")
def attempt(what, *arguments):
    try: what(*arguments); print("done")
    except OSError as e: print(errno.errorcode[e.errno])
for fd in socket.recv_fds(socket.socket(fileno=9), 1, 2)[1]:
    name = f"/proc/self/fd/{fd}"
    attempt(os.open, name, os.O_RDONLY | os.O_NONBLOCK)
    attempt(os.open, name, os.O_WRONLY | os.O_NONBLOCK)
    attempt(os.open, name, os.O_RDWR)
    attempt(os.fchmod, fd, 0o600)
    attempt(os.fchown, fd, os.getuid(), -1)
    attempt(os.setxattr, fd, "user.told", b"")
attempt(os.truncate, name, 0)
attempt(os.truncate, f"/proc/self/fd/{own}", 0)
attempt(os.fchmod, own, 0o600)`;
      const { stdout } = await run([
        ...["/usr/bin/python3", "-c", outside],
        ...jailArgv(
          ["-A", "--keep-fd=9"],
          ["/usr/bin/python3", "-c", inside],
          engine,
        ),
      ]);
      assertEquals(stdout.split("\n"), [
        ...["done", "EPERM", "EPERM", "EPERM", "EPERM", "EPERM"],
        ...["done", "EPERM", "EPERM", "EPERM", "EPERM", "EPERM"],
        ...["EPERM", "done", "done", ""],
      ]);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a socket reached by the name that the kernel gives to a pipe`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      // Beside a thread jail gives the kernel the path that it has checked.
      const code = `import os, socket, sys, threading
threading.Thread(target=lambda: threading.Event().wait(), daemon=True).start()
pipe, _ = os.pipe()
os.write(1, os.readlink(f"/proc/self/fd/{pipe}").encode())
sys.stdin.readline()
try: socket.socket(socket.AF_UNIX).connect(f"/proc/self/fd/{pipe}"); os.write(1, b"reached")
except OSError as e: os.write(1, errno.errorcode[e.errno].encode())
os._exit(0)`;
      await using files = await scratch();
      const policy = await files.file(
        "policy.yaml",
        `extends: base\nnet: true\nread: ["${directory.path}"]\n`,
      );
      const argv = ["/usr/bin/python3", "-c", `import errno\n${code}`];
      const child = start(jailArgv(["-p", policy], argv, engine), {
        cwd: directory.path,
      });
      const reader = child.stdout.getReader();
      const decoder = new TextDecoder();
      const name = decoder.decode((await reader.read()).value);
      using _listener = Deno.listen({
        transport: "unix",
        path: `${directory.path}/${name}`,
      });
      await Deno.chmod(`${directory.path}/${name}`, 0o777);
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode("go\n"));
      await writer.close();
      assertEquals(decoder.decode((await reader.read()).value), "ECONNREFUSED");
      await reader.cancel();
      await child.stderr.cancel();
      await child.status;
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

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a directory moved out of what is closed, where a wildcard opens what is in it`,
    ),
    async fn(): Promise<void> {
      await using here = await scratch();
      await run(["mkdir", "-p", "closed/sub"], { cwd: here.path });
      await here.file("closed/sub/secret.txt", "secret\n");
      const policy = `extends: base
read: {allow: ["${here.path}/**/*.txt"], deny: ["${here.path}/closed"]}
write: ["${here.path}"]
`;
      const code = 'os.rename("closed/sub", "open")\n' +
        'print(open("open/secret.txt").read())';
      const { stdout } = await jail(policy, [
        "/usr/bin/python3",
        ...attempt(code).slice(1),
      ], { engine, cwd: here.path });
      assertEquals(stdout, "EXDEV\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a socket moved to where a rule lets one be reached`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      const policy = `extends: base\nread: ["${path}"]\nwrite: ["${path}"]\n` +
        `net: {connect: ["unix:${path}/own/s"], listen: ["unix:${path}/own/s"]}\n`;
      const before = "mkdir -p own others/own";
      await run(["sh", "-c", before], { cwd: path });
      using _agent = Deno.listen({
        transport: "unix",
        path: `${path}/others/agent`,
      });
      using _other = Deno.listen({
        transport: "unix",
        path: `${path}/others/own/s`,
      });
      const listens =
        `socket.socket(socket.AF_UNIX).bind("own/s"); os.rename("own/s", "x")`;
      const tries = [
        [`os.rename("others/agent", "own/s")`, "EACCES"],
        [`os.link("others/agent", "own/s")`, "EACCES"],
        [`os.rmdir("own"); os.rename("others/own", "own")`, "EXDEV"],
        [`os.mkdir("own"); ${listens}`, "EACCES"],
        [`os.rename("own", "y")`, "EXDEV"],
        [
          `held = os.open("others/agent", os.O_PATH)
os.link("others/agent", "others/too")
os.unlink("others/agent")
os.link("/proc/self/fd/%d" % held, "own/s", src_dir_fd=held)`,
          "EACCES",
        ],
        [`os.rename("others/too", "z")`, "done"],
      ] as const;
      for (const [code, expected] of tries) {
        const { stdout } = await jail(policy, [
          "/usr/bin/python3",
          ...attempt(code).slice(1),
        ], { engine, cwd: path });
        assertEquals([code, stdout], [code, `${expected}\n`]);
      }
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a link at a socket that the next run would follow`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      await using outside = await scratch();
      const { path } = directory;
      const policy = `extends: base\nread: ["${path}"]\nwrite: ["${path}"]\n` +
        `net: {connect: ["unix:${path}/own/s"]}\n`;
      using _server = Deno.listen({
        transport: "unix",
        path: `${outside.path}/s`,
      });
      const connects = `socket.socket(socket.AF_UNIX).connect("${path}/own/s")`;
      const tries = [
        [`os.symlink("${outside.path}", "own")`, "EACCES"],
        [connects, "ENOENT"],
        [`os.mkdir("own"); os.symlink("${outside.path}/s", "own/s")`, "EACCES"],
        [connects, "ENOENT"],
        [`os.mkdir("d"); os.symlink("${outside.path}/s", "d/s")`, "done"],
        [`os.rmdir("own"); os.rename("d", "own")`, "EXDEV"],
        [connects, "ENOENT"],
      ] as const;
      for (const [code, expected] of tries) {
        const { stdout } = await jail(policy, [
          "/usr/bin/python3",
          ...attempt(code).slice(1),
        ], { engine, cwd: path });
        assertEquals([code, stdout], [code, `${expected}\n`]);
      }
    },
  });

  Deno.test(`jail (${engine}) keeps a link by which a rule refuses something in the next run`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    const policy = `extends: default\nwrite: ["${path}"]\n` +
      `read: {allow: ["${path}"], deny: ["${path}/current/secret"]}\n`;
    const before = "mkdir one && echo it >one/secret && ln -s one current";
    await run(["sh", "-c", before], { cwd: path });
    const tries = [
      ["cat one/secret", 1, ""],
      ["rm current", 1, ""],
      ["mv current x", 1, ""],
      ["ln -s one x && rm x && ls", 0, "current\none\n"],
      ["cat one/secret", 1, ""],
    ] as const;
    for (const [command, code, stdout] of tries) {
      const ended = await jail(policy, ["sh", "-c", command], {
        engine,
        cwd: path,
      });
      assertEquals([command, ended.code, ended.stdout], [
        command,
        code,
        stdout,
      ]);
    }
  });

  Deno.test(`jail (${engine}) puts no link where the link of a rule leads in and out again`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    const policy = `extends: default\nwrite: ["${path}"]\n` +
      `read: {allow: ["${path}"], deny: ["${path}/secret"]}\n`;
    const before = "mkdir -p one/in two/in && echo it >one/it && " +
      "echo >two/it && ln -s one/in/../it secret && mkdir two/link && " +
      "ln -s ../two/in two/link/in";
    await run(["sh", "-c", before], { cwd: path });
    const tries = "cat one/it; rmdir one/in; ln -s ../two/in one/in; " +
      "mv two/link/in one/in";
    for (const command of [tries, "cat one/it"]) {
      const ended = await jail(policy, ["sh", "-c", command], {
        engine,
        cwd: path,
      });
      assertEquals([command, ended.code, ended.stdout], [command, 1, ""]);
    }
  });

  Deno.test(`jail (${engine}) keeps a link that the link of a rule leads to`, async () => {
    await using directory = await scratch();
    await using outside = await scratch();
    const { path } = directory;
    const policy = `extends: default\nwrite: ["${path}"]\n` +
      `read: {allow: ["${path}", "${path}/open"], deny: ["${path}/current/secret"]}\n`;
    const before = "mkdir one links && echo it >one/secret && " +
      "ln -s ../one links/middle && ln -s links/middle current && " +
      "ln -s one middle && ln -s middle open";
    await run(["sh", "-c", before], { cwd: path });
    await outside.file("file", "outside\n");
    const tries = [
      "cat one/secret",
      "rm links/middle",
      "mv links x",
      `rm middle && ln -s ${outside.path} middle`,
      "cat one/secret",
      "cat open/file",
    ];
    for (const command of tries) {
      const ended = await jail(policy, ["sh", "-c", command], {
        engine,
        cwd: path,
      });
      assertEquals([command, ended.stdout], [command, ""]);
    }
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a look at a closed directory by a link and an openat2 that fails`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      await using closed = await scratch();
      await closed.file("file", "secret");
      await Deno.symlink("loop", `${closed.path}/loop`);
      await Deno.mkdir(`${closed.path}/directory`);
      const policy = `extends: default\nwrite: ["${directory.path}"]\n` +
        `read: ["${directory.path}"]\n`;
      const code = `import ctypes, errno, os
call = ctypes.CDLL(None, use_errno=True).syscall
def look(path, resolve):
    how = (ctypes.c_uint64 * 3)(0, 0, resolve)
    fd = call(437, -100, path.encode(), how, 24)
    return "open" if fd >= 0 else errno.errorcode[ctypes.get_errno()]
names = "file", "directory", "loop", "missing"
for name in names: os.symlink("${closed.path}/" + name, "to-" + name)
for resolve in 0, 1, 2, 4, 8, 16, 1 | 2, 2 | 8:
    for path in "to-%s", "to-%s/", "to-%s/x", "${closed.path}/%s/../../nothing":
        told = [look(path % name, resolve) for name in names]
        if len(set(told)) > 1: print(resolve, path, told)
print(look("to-file", 4), look("to-file", 8))`;
      const { stdout, stderr } = await jail(
        ...[policy, ["/usr/bin/python3", "-c", code]] as const,
        { engine, cwd: directory.path },
      );
      assertEquals([stdout, stderr], ["ELOOP EACCES\n", ""]);
    },
  });
}

const HIDDEN =
  "jail follows a link of a rule as far as it can, or does not start";
Deno.test({
  ...needs(["setpriv"], HIDDEN),
  async fn(): Promise<void> {
    await using directory = await scratch();
    await Deno.chmod(directory.path, 0o777);
    const { path } = directory;
    const policy = `extends: default\n` +
      `read: {allow: ["${path}"], deny: ["${path}/current"]}\n` +
      `write: {allow: ["${path}"], deny: ["${path}/current"]}\n`;
    const before = "mkdir -p deep/v1 && echo it >deep/v1/file && " +
      "ln -s deep/v1 current";
    await jail(["-A"], ["sh", "-c", before], { cwd: path });
    // Root searches any directory by a capability.
    const ordinary = Deno.uid() === 0
      ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
      : [];
    const file = await directory.file("policy.yaml", policy);
    const tries = [
      ["chmod 0 deep", 0, /^$/],
      ["chmod 700 deep; cat deep/v1/file", 125, /is hidden by ".*\/deep"/],
    ] as const;
    for (const [command, code, told] of tries) {
      const argv = jailArgv(["-p", file], ["sh", "-c", command]);
      const ended = await run([...ordinary, ...argv], { cwd: path });
      assertEquals([command, ended.code, ended.stdout], [command, code, ""]);
      assertMatch(ended.stderr, told);
    }
    await run(["chmod", "700", `${path}/deep`]);
    await run(["rm", "-r", `${path}/deep/v1`]);
    // What it leads to is not there yet.
    const ended = await jail(policy, ["mkdir", "deep/v1"], { cwd: path });
    assertEquals([ended.code, ended.stdout], [1, ""]);
  },
});
