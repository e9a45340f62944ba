/** A descriptor gives no more than it was opened, or sent, for. */

import { assertEquals, assertMatch } from "@std/assert";
import { AT_EMPTY_PATH, AT_FDCWD } from "../src/abi/fcntl.ts";
import { SYSCALLS } from "../src/abi/syscalls.ts";
import { ENGINES, fixture, jail, jailArgv, run } from "./harness.ts";
import { scratch } from "./jail.ts";
import { needs } from "./needs.ts";
import { TRY } from "./python.ts";

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) sets no times where there is neither a path nor a descriptor, beside a thread either`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const number = SYSCALLS.utimensat[Deno.build.arch];
      const code = `import ctypes, errno, os, threading
libc = ctypes.CDLL(None, use_errno=True)
times = ctypes.create_string_buffer(32)
def attempt():
  for flags in (0, ${AT_EMPTY_PATH}):
    libc.syscall(${number}, ${AT_FDCWD}, None, times, flags)
    print(errno.errorcode[ctypes.get_errno()], os.stat(".").st_mtime > 0)
attempt()
thread = threading.Thread(target=attempt)
thread.start()
thread.join()`;
      const { stdout, stderr } = await jail(
        ["-R", `-W=${directory.path}`, "--allow-run"],
        ["/usr/bin/python3", "-c", code],
        { engine, cwd: directory.path },
      );
      assertEquals(stdout, "EFAULT True\n".repeat(4), stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) tells nothing of a working directory that may not be seen, by a call without a path`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { arch } = Deno.build;
      const code = `import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
told = ctypes.create_string_buffer(256)
def ask(name, number, *rest):
  for path in b"", None:
    result = libc.syscall(number, ${AT_FDCWD}, path, *rest)
    print(name, "told" if any(told.raw) else errno.errorcode[ctypes.get_errno()])
ask("stat", ${SYSCALLS.newfstatat[arch]}, told, ${AT_EMPTY_PATH})
ask("statx", ${SYSCALLS.statx[arch]}, ${AT_EMPTY_PATH}, 0xfff, told)`;
      const { stdout, stderr } = await jail(
        ["-R=/usr,/lib,/lib64,/etc", "--allow-run=/usr/bin"],
        ["/usr/bin/python3", "-I", "-c", code],
        { engine, cwd: directory.path },
      );
      // Before Linux 6.11 a path is needed.
      assertMatch(
        stdout,
        /^(?:stat EACCES\nstat (?:EACCES|EFAULT)\nstatx EACCES\nstatx (?:EACCES|EFAULT)\n)$/,
        stderr,
      );
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) changes no directory that a thread went to meanwhile, by a call without a path`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      for (const name of ["open", "seen"]) {
        await Deno.mkdir(`${directory.path}/${name}`);
      }
      const { setxattrat: { x86_64: number } } = SYSCALLS;
      const code = `import ctypes, os, struct, threading
libc, over = ctypes.CDLL(None), []
fds = [os.open(name, os.O_RDONLY) for name in ("seen", "open")]
def move():
  while not over:
    for fd in fds: libc.fchdir(fd)
thread = threading.Thread(target=move)
thread.start()
value = ctypes.create_string_buffer(b"x")
how = ctypes.create_string_buffer(struct.pack("QII", ctypes.addressof(value), 1, 0))
for _ in range(700):
  libc.syscall(${number}, ${AT_FDCWD}, None, ${AT_EMPTY_PATH}, b"user.jail", how, ctypes.c_long(16))
over.append(None)
thread.join()
print(os.listxattr(fds[0]))
os.fchdir(fds[1])
print(libc.syscall(${number}, ${AT_FDCWD}, None, ${AT_EMPTY_PATH}, b"user.jail", how, ctypes.c_long(16)))`;
      const { stdout, stderr } = await jail(
        ["-R", "-W=open", "--allow-run"],
        ["/usr/bin/python3", "-c", code],
        { engine, cwd: directory.path },
      );
      // Before Linux 6.13 there is no such call.
      assertMatch(stdout, /^\[\]\n(?:0|-1)\n$/, stderr);
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
      const code = `${TRY}import signal, socket, stat
other = os.fork()
if other == 0:
  signal.pause()
os.symlink("closed/file", "link")
os.symlink("closed", "above")
link = f"/proc/self/fd/{os.open('link', os.O_PATH | os.O_NOFOLLOW)}"
above = f"/proc/self/fd/{os.open('above', os.O_PATH | os.O_NOFOLLOW)}"
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
      const code = `${TRY}import signal
if sys.argv[1] == "beside": other = os.fork()
else: other = -1
if other == 0: signal.pause()
os.makedirs("real/directory")
open("real/file", "w").close()
os.symlink("real", "link")
at = os.open("link", os.O_PATH | os.O_NOFOLLOW)
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
      // Without a socket nobody could send descriptors either.
      for (const flags of [["-A"], ["-p", "default"]]) {
        const { stdout } = await run([
          "sh",
          "-c",
          `cat /dev/null | "$@" 2>&1 | cat`,
          "sh",
          ...jailArgv(flags, ["/usr/bin/python3", "-c", inside], engine),
        ]);
        assertEquals([flags, ...stdout.split("\n")], [
          flags,
          "done",
          "EPERM",
          "EPERM",
          "done",
          "EPERM",
          "EPERM",
          "own",
          "",
        ]);
      }
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
      ["python3", "unshare"],
      `jail (${engine}) opens no terminal by the number of one of another devpts that came by a socket`,
    ),
    async fn(): Promise<void> {
      const makes = `import os, socket, sys
while True:
    ours, theirs = os.openpty()
    if os.ttyname(theirs) == sys.argv[1]: break
socket.send_fds(socket.socket(fileno=8), [b"x"], [ours])
# Its mounts have their names as long as it is there.
sys.stdin.read()`;
      const mounts = `mount -t devpts -o newinstance,ptmxmode=666 none /dev/pts
mount --bind /dev/pts/ptmx /dev/ptmx
exec "$@"`;
      const outside = `import os, socket, subprocess, sys
mounts, makes, namespace, *argv = sys.argv[1:]
ours, theirs = socket.socketpair()
os.dup2(ours.fileno(), 8)
os.dup2(theirs.fileno(), 9)
master, slave = os.openpty()
name = os.ttyname(slave)
maker = subprocess.Popen(
    ["unshare", namespace, "sh", "-ec", mounts, "sh", sys.executable, "-c", makes, name],
    stdin=subprocess.PIPE, pass_fds=(8,))
code = subprocess.run([*argv, name], pass_fds=(9,)).returncode
maker.communicate()
sys.exit(code)`;
      const inside = `import errno, os, socket, sys
def attempt():
    try: os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY); print("done")
    except OSError as e: print(errno.errorcode[e.errno])
attempt()
[fd] = socket.recv_fds(socket.socket(fileno=9), 1, 1)[1]
print(os.isatty(fd))
attempt()
own = os.openpty()
os.close(os.open(os.ttyname(own[1]), os.O_RDWR | os.O_NOCTTY))
print("own")`;
      const namespace = Deno.uid() === 0 ? "-m" : "-rm";
      const { stdout, stderr } = await run([
        ...["/usr/bin/python3", "-c", outside, mounts, makes, namespace],
        ...jailArgv(
          ["-R", "-W", "--allow-run", "--keep-fd=9"],
          ["/usr/bin/python3", "-c", inside],
          engine,
        ),
      ]);
      assertEquals(stdout, "EPERM\nTrue\nEPERM\nown\n", stderr);
    },
  });

  Deno.test({
    ...needs(
      ["gcc", "python3", "unshare"],
      `jail (${engine}) runs no file of another mount namespace that has the name of what may be run`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      await Deno.mkdir(`${path}/bin`);
      const race = fixture("race_image");
      const [program, other] = [`${path}/bin/program`, `${path}/other`];
      for (const copy of [program, other]) await Deno.copyFile(race, copy);
      const opens = `import os, socket, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
socket.send_fds(socket.socket(fileno=8), [b"x"], [fd])
# Its mounts have their names as long as it is there.
sys.stdin.read()`;
      const outside = `import os, socket, subprocess, sys
opens, namespace, program, other, *argv = sys.argv[1:]
ours, theirs = socket.socketpair()
os.dup2(ours.fileno(), 8)
os.dup2(theirs.fileno(), 9)
mount = 'mount --bind "$0" "$1" && exec "$2" -c "$3" "$1"'
opener = subprocess.Popen(
    ["unshare", namespace, "sh", "-c", mount, other, program, sys.executable, opens],
    stdin=subprocess.PIPE, pass_fds=(8,))
code = subprocess.run(argv, pass_fds=(9,)).returncode
opener.communicate()
sys.exit(code)`;
      const policy = await directory.file(
        "policy.yaml",
        `read: [/]\nrun: ["${race}", "/**/bin/program"]\n`,
      );
      const namespace = Deno.uid() === 0 ? "-m" : "-rm";
      const { stdout, stderr } = await run([
        ...["/usr/bin/python3", "-c", outside, opens, namespace],
        ...[program, other],
        ...jailArgv(
          [`-p=${policy}`, "--keep-fd=9"],
          [race, program, "200"],
          engine,
        ),
      ]);
      assertEquals(stdout, "allowed ran, other did not\n", stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) leaves a pipe as it was read before`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const outside = `import os, subprocess, sys
ours, theirs = os.pipe()
subprocess.run(sys.argv[1:], stdout=theirs, check=True)
os.write(theirs, b"later")
os.close(theirs)
print(b"".join(iter(lambda: os.read(ours, 1), b"")).decode())`;
      const inside = `import errno, fcntl, os
def direct(fd, more=0):
    try: fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_DIRECT | more)
    except OSError as e: return errno.errorcode[e.errno]
    return "done"
os.mkfifo("fifo")
file = os.open("file", os.O_RDWR | os.O_CREAT)
said = [direct(fd, more) for fd in (1, os.open("fifo", os.O_RDWR)) for more in (0, os.O_ASYNC)]
said += [direct(fd) for fd in (file, os.pipe2(os.O_DIRECT)[1], 99)]
os.write(1, " ".join(said).encode() + b" ")`;
      const { stdout, stderr } = await run([
        ...["/usr/bin/python3", "-c", outside],
        ...jailArgv(
          ["-A", `--cwd=${directory.path}`],
          ["/usr/bin/python3", "-c", inside],
          engine,
        ),
      ]);
      const said = "EPERM EPERM EPERM EPERM done done EBADF later\n";
      assertEquals(stdout, said, stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) leaves no pipe or file that others write to set to wait no more, or to write elsewhere`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const outside = `import fcntl, os, subprocess, sys
log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.dup2(log, 9)
(read, _), (_, written) = os.pipe(), os.pipe()
fds = read, written, 9
told = lambda: [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in fds]
before = told()
subprocess.run(sys.argv[1:], stdin=read, stdout=written, pass_fds=(9,), check=True)
print("as before" if told() == before else f"{told()}, not {before}")`;
      const inside = `import fcntl, os
for fd in 0, 1, 9:
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    fcntl.fcntl(fd, fcntl.F_SETFL, (flags | os.O_NONBLOCK) & ~os.O_APPEND)
    assert fcntl.fcntl(fd, fcntl.F_GETFL) != flags`;
      const { stdout, stderr } = await run([
        ...["/usr/bin/python3", "-c", outside],
        ...jailArgv(
          ["-A", "--keep-fd=9"],
          ["/usr/bin/python3", "-c", inside],
          engine,
        ),
      ], { cwd: directory.path });
      assertEquals(stdout, "as before\n", stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) sets nothing to wait no more, or to write elsewhere, that was so for a while as it started`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const outside = `import fcntl, os, subprocess, sys
log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
read, written = os.pipe()
fds = written, log
told = lambda: [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in fds]
before = told()
# As the program of another jail does, which is set back as that ends.
for fd, flags in zip(fds, before):
    fcntl.fcntl(fd, fcntl.F_SETFL, (flags | os.O_NONBLOCK) & ~os.O_APPEND)
with subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=written, stderr=log) as jail:
    os.read(read, 1)
    for fd, flags in zip(fds, before): fcntl.fcntl(fd, fcntl.F_SETFL, flags)
print("as before" if told() == before else f"{told()}, not {before}")`;
      const { stdout, stderr } = await run([
        ...["/usr/bin/python3", "-c", outside],
        ...jailArgv(["-A"], ["sh", "-c", "echo started; read end"], engine),
      ], { cwd: directory.path });
      assertEquals(stdout, "as before\n", stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) leaves a pipe that it was given to be opened by its name, as /dev/stderr`,
    ),
    async fn(): Promise<void> {
      const outside = `import os, subprocess, sys
(read, _), (_, written) = os.pipe(), os.pipe()
subprocess.run(sys.argv[1:], stdin=read, stdout=written, check=True)
print(*(f"{os.fstat(fd).st_mode:o}" for fd in (read, written)))`;
      const inside = `import os
try: os.fchmod(0, 0)
except PermissionError: pass
os.fchmod(1, 0)`;
      const { stdout, stderr } = await run([
        ...["/usr/bin/python3", "-c", outside],
        ...jailArgv(["-A"], ["/usr/bin/python3", "-c", inside], engine),
      ]);
      assertEquals(stdout, "10600 10600\n", stderr);
    },
  });

  Deno.test({
    ...needs(
      ["dd"],
      `jail (${engine}) lets who reads a pipe set it to be read directly`,
    ),
    async fn(): Promise<void> {
      const script = "echo text | dd iflag=direct status=none";
      const argv = ["sh", "-c", script];
      const { stdout, stderr } = await jail(["-A"], argv, { engine });
      assertEquals(stdout, "text\n", stderr);
    },
  });
}
