/** Job control, Ctrl-C and the size of the window, at a terminal. */

import { assert, assertEquals } from "@std/assert";
import type { Engine } from "../src/trace/options.ts";
import { ENGINES, eventually, jailArgv, run } from "./harness.ts";
import { jail, type Scratch, scratch } from "./jail.ts";
import { needs } from "./needs.ts";
import { Terminal } from "./terminal.ts";

/** Makes a terminal stop all output at its next answer, and gives jail some. */
const STOPPING = `import os, select, termios
modes = termios.tcgetattr(0)
modes[0] = (modes[0] | termios.IXON) & ~termios.IXANY
modes[3] &= ~(termios.ISIG | termios.ICANON | termios.ECHO)
modes[6][termios.VSTOP] = b"n"
modes[6][termios.VSTART] = b"\\0"
termios.tcsetattr(0, termios.TCSANOW, modes)
os.write(1, b"\\x1b[5n")
while select.select([], [1], [], 0)[1]: pass
for i in range(20):
    try: open(f"/etc/shadow/{i}")
    except OSError: pass
os._exit(9)
`;

/** Is refused so much, while its terminal is stopped, that jail cannot keep it all. */
const REFUSED_MUCH = `import sys
print("up", flush=True)
sys.stdin.readline()
for i in range(700):
    try: open(f"/root/{i:0100}")
    except OSError: pass
open(sys.argv[1], "w").close()
sys.stdin.readline()
`;

/**
 * Gives the terminal to another user, and itself no privilege over that one's
 * files.
 */
const GIVEN_AWAY = 'chown 65534 "$(tty)" && chmod 600 "$(tty)" && ' +
  'exec setpriv --bounding-set=-dac_override,-dac_read_search "$@"';

/**
 * Leaves the terminal so that who writes to it from behind is stopped, or so
 * that its next answer is a Ctrl-C, while jail has many files to remove.
 */
const PARTING = `import os, signal, sys, termios
for i in range(2):
    try: open("/etc/shadow")
    except OSError: pass
modes = termios.tcgetattr(0)
if sys.argv[1] == "tostop":
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    modes[3] |= termios.TOSTOP
else:
    # It is jail that the signal is for.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.rename(sys.argv[2], os.environ["TMPDIR"] + "/x")
    modes[3] = (modes[3] | termios.ISIG | termios.NOFLSH) & ~(termios.ICANON | termios.ECHO)
    modes[6][termios.VINTR] = b"n"
termios.tcsetattr(0, termios.TCSANOW, modes)
os.write(1, b"\\x1b[5n")
os._exit(9)
`;
const PARTING_POLICY = `extends: default
read: ["\${tmp}/.."]
write: ["\${tmp}/.."]
`;

/** Sets the size of a terminal by each of its sides, and of the one that it is at. */
const SIZING = `import fcntl, os, struct, termios
def size(fd, rows):
    try: fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("4H", rows, rows, 0, 0))
    except OSError as error: return error.errno
    return struct.unpack("4H", fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8)))[0]
master, slave = os.openpty()
print(size(master, 30), size(slave, 31), size(0, 32), size(os.open("/dev/tty", os.O_RDWR), 33))
os.system("stty size")
`;

/**
 * Stops and drops what it writes to a terminal of its own, and to the one that it
 * is at.
 */
const FLOWING = `import errno, os, termios
def told(call, *args):
    try: return call(*args)
    except (OSError, termios.error) as error: return errno.errorcode[error.args[0]]
def flow(fd):
    os.set_blocking(fd, False)
    return [told(termios.tcflow, fd, termios.TCOOFF), told(os.write, fd, b"x"),
        told(termios.tcflow, fd, termios.TCOON), told(os.write, fd, b"x\\n")]
master, slave = os.openpty()
os.write(master, b"typed\\n")
print("own", flow(slave), told(termios.tcflush, slave, termios.TCIOFLUSH), told(os.read, slave, 9))
print("other", told(termios.tcflush, os.pipe()[0], termios.TCOFLUSH), told(termios.tcflow, 99, termios.TCOOFF))
print("at", flow(os.open("/dev/tty", os.O_RDWR)), flow(1))
`;

/** Keeps others from opening a terminal of its own, and the one that it is at. */
const EXCLUDING = `import errno, fcntl, os, struct, termios
TIOCGEXCL = 0x80045440
def alone(fd, command):
    try: fcntl.ioctl(fd, command)
    except OSError as error: return errno.errorcode[error.errno]
    return struct.unpack("i", fcntl.ioctl(fd, TIOCGEXCL, bytes(4)))[0]
for fd in os.openpty()[1], 1:
    print(alone(fd, termios.TIOCEXCL), alone(fd, termios.TIOCNXCL))
`;

/** Drops the output of a terminal of its own beside a thread, and hangs up. */
const HANGING_UP = `import os, select, termios, threading, time
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
master, slave = os.openpty()
termios.tcflush(slave, termios.TCIOFLUSH)
os.close(master)
line = select.poll()
line.register(slave)
print(*("hung up" for _, events in line.poll(1000) if events & select.POLLHUP))
`;

/**
 * Takes a terminal as Go and setsid(1) do, and from another session, which nobody
 * may.
 */
const TAKING = `import errno, fcntl, os, termios
master, slave = os.openpty()
def take():
    os.setsid()
    try: fcntl.ioctl(slave, termios.TIOCSCTTY, 1)
    except OSError as error: return errno.errorcode[error.errno]
    return "taken" if os.tcgetpgrp(slave) == os.getpid() else "lost"
def ended(child): return os.waitpid(child, 0)[1]
first = os.fork()
if first == 0:
    print(take(), flush=True)
    second = os.fork()
    if second == 0:
        print(take(), flush=True)
        os._exit(0)
    ended(second)
    os._exit(0)
ended(first)
`;

/**
 * A shell whose processor others keep busy: how many of its jobs run before they
 * are in front.
 */
const BUSY = `import fcntl, os, signal, termios
master, slave = os.openpty()
if os.fork() > 0: os._exit(os.WEXITSTATUS(os.wait()[1]))
os.setsid()
fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
busy = []
for _ in range(4):
    busy.append(os.fork())
    while busy[-1] == 0: pass
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
stopped = 0
for _ in range(24):
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.tcsetpgrp(slave, os.getpid())
        os._exit(0)
    os.setpgid(job, job)
    os.tcsetpgrp(slave, job)
    if os.WIFSTOPPED(os.waitpid(job, os.WUNTRACED)[1]):
        stopped += 1
        os.kill(job, signal.SIGKILL)
        os.waitpid(job, 0)
    os.tcsetpgrp(slave, os.getpgrp())
for pid in busy: os.kill(pid, signal.SIGKILL)
os._exit(stopped)
`;

/** How many do so where others keep all processors busy. It was ten and more. */
const FEW = 6;

const BASH = ["bash", "--norc", "--noprofile", "-i"];

/**
 * Has a program behind another job of its terminal, in a jail, until it has said
 * something; and that job then reads a word that is typed for it.
 */
async function seeBehind(
  engine: Engine,
  directory: Scratch,
  program: string,
  said: RegExp,
  word: string,
): Promise<void> {
  const file = await directory.file("behind.py", program);
  const python = ["/usr/bin/python3", file, directory.path, "$$"];
  const front = await directory.file(
    "front",
    `while ! test -e ${directory.path}/over; do sleep 0.01; done
read word; echo "got=$word"
`,
  );
  await using terminal = new Terminal(BASH);
  await terminal.see(/\$ $/);
  const back = jailArgv(["-A"], python, engine).join(" ");
  await terminal.type(`${back} &\n`);
  await terminal.type(`until test -e ${directory.path}/up; do :; done\n`);
  await terminal.type(`sh ${front}\n`);
  await terminal.see(said);
  await terminal.type(`${word}\n`);
  await terminal.see(new RegExp(`got=${word}\r\n`));
}

const CTRL_C = "\x03";
const CTRL_D = "\x04";
const CTRL_Q = "\x11";
const CTRL_S = "\x13";
const CTRL_Z = "\x1a";
const RESIZE = "\0";

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) lets a shell inside control its jobs`, async () => {
    await using terminal = new Terminal(jailArgv(["-A"], BASH, engine));
    await terminal.see(/\$ $/);
    await terminal.type("echo up; cat\n");
    await terminal.see(/\nup\r\n/);
    await terminal.type("one\n");
    await terminal.see(/one\r\none\r\n/);
    await terminal.type(CTRL_Z);
    await terminal.see(/Stopped +(?:echo up; )?cat/);
    await terminal.type("jobs; fg\n");
    await terminal.see(/fg\r\n\[1\]\+ +Stopped +.*cat\r\n.*cat\r\n/);
    await terminal.type("two\n");
    await terminal.see(/two\r\ntwo\r\n/);
    await terminal.type(CTRL_C);
    await terminal.see(/\$ $/);
    await terminal.type("echo $?\n");
    await terminal.see(/\n130\r\n/);
    await terminal.type("sleep 0.1 & wait; echo done=$?\n");
    await terminal.see(/done=0\r\n/);
  });

  Deno.test(`jail (${engine}) leaves the terminal to the job that it was started in`, async () => {
    await using directory = await scratch();
    const leave = `import os, signal
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    os._exit(0)
os.waitpid(child, 0)`;
    const python = [
      "/usr/bin/python3",
      await directory.file("leave.py", leave),
    ];
    const script = await directory.file(
      "script",
      `${jailArgv(["-A"], python, engine).join(" ")}
echo up; read word; echo "got=$word"
`,
    );
    await using terminal = new Terminal(BASH);
    await terminal.see(/\$ $/);
    await terminal.type(`sh ${script}\n`);
    await terminal.see(/up\r\n/);
    await terminal.type("one\n");
    await terminal.see(/got=one\r\n/);
  });

  Deno.test(`jail (${engine}) takes the place of no other job in front of the terminal`, async () => {
    await using directory = await scratch();
    const take = `import errno, os, signal, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
open(sys.argv[1] + "/up", "w").close()
while os.tcgetpgrp(1) == int(sys.argv[2]): pass
try: os.tcsetpgrp(1, os.getpgrp())
except OSError as e: print("said", errno.errorcode[e.errno])
open(sys.argv[1] + "/over", "w").close()`;
    await seeBehind(engine, directory, take, /said EIO\r\n/, "one");
  });

  Deno.test(`jail (${engine}) sets no terminal where another job is in front of it`, async () => {
    await using directory = await scratch();
    const set = `import errno, os, signal, sys, termios
def attempt():
    modes = termios.tcgetattr(1)
    modes[6][termios.VQUIT] = b"e"
    try: termios.tcsetattr(1, termios.TCSANOW, modes)
    except termios.error as e: return errno.errorcode[e.args[0]]
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
open(sys.argv[1] + "/up", "w").close()
while os.tcgetpgrp(1) == int(sys.argv[2]): pass
said = attempt()
if os.fork() == 0:
    os.setsid()
    print("said", said, attempt(), flush=True)
    os._exit(0)
os.wait()
open(sys.argv[1] + "/over", "w").close()`;
    await seeBehind(engine, directory, set, /said EIO EIO\r\n/, "hello");
  });

  Deno.test(`jail (${engine}) sets no terminal from behind for a program whose name looks like a status`, async () => {
    await using directory = await scratch();
    const set = `import ctypes, errno, os, signal, sys, termios
PR_SET_NAME = 15
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
ctypes.CDLL(None).prctl(PR_SET_NAME, b"\\rSigIgn:0", 0, 0, 0)
open(sys.argv[1] + "/up", "w").close()
while os.tcgetpgrp(1) == int(sys.argv[2]): pass
modes = termios.tcgetattr(1)
modes[6][termios.VQUIT] = b"e"
try: termios.tcsetattr(1, termios.TCSANOW, modes)
except termios.error as e: print("said", errno.errorcode[e.args[0]])
open(sys.argv[1] + "/over", "w").close()`;
    await seeBehind(engine, directory, set, /said EIO\r\n/, "hello");
  });

  Deno.test(`jail (${engine}) drops nothing that is typed for another job in front of the terminal`, async () => {
    await using directory = await scratch();
    const drop = `import os, signal, sys, termios
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
open(sys.argv[1] + "/up", "w").close()
while os.tcgetpgrp(1) == int(sys.argv[2]): pass
def drop():
    try: termios.tcflush(1, termios.TCIFLUSH)
    except termios.error as e: return e.args[0]
print("said", drop())
open(sys.argv[1] + "/over", "w").close()
while drop() is None: pass`;
    await seeBehind(engine, directory, drop, /said 5\r\n/, "hello");
  });

  Deno.test(`jail (${engine}) is itself a job of a shell outside`, async () => {
    await using terminal = new Terminal(BASH);
    await terminal.see(/\$ $/);
    const words = jailArgv(["-A"], ["sh", "-c", "'echo up; cat'"], engine);
    await terminal.type(`${words.join(" ")}\n`);
    await terminal.see(/up\r\n/);
    await terminal.type("one\n");
    await terminal.see(/one\r\none\r\n/);
    await terminal.type(CTRL_Z);
    await terminal.see(/Stopped/);
    await terminal.see(/\$ $/);
    await terminal.type("bg\n");
    await terminal.see(/cat' &\r\n/);
    // In the background it may not read, and stops again, which bash says before
    // it asks for more. Were fg to come before that, bash would not continue it.
    for (let said = ""; !said.includes("Stopped");) {
      await terminal.type("\n");
      [said = ""] = await terminal.see(/[^]*\$ $/);
    }
    await terminal.type("fg\n");
    await terminal.see(/fg\r\n[^]*cat'\r\n/);
    await terminal.type("two\n");
    await terminal.see(/two\r\ntwo\r\n/);
    await terminal.type(CTRL_C);
    await terminal.see(/\$ $/);
    await terminal.type("echo $?\n");
    await terminal.see(/\n130\r\n/);
  });

  Deno.test(`jail (${engine}) has nobody read the terminal while it is stopped`, async () => {
    await using directory = await scratch();
    const code = `import os, signal
ready, tell = os.pipe()
reader = os.fork()
if reader == 0:
    for one in signal.SIGTSTP, signal.SIGTTIN: signal.signal(one, signal.SIG_IGN)
    os.write(tell, b"!")
    while True:
        try: os.write(1, b"took " + os.read(0, 100))
        except OSError: signal.pause()
os.read(ready, 1)
while open(f"/proc/{reader}/stat").read().split(") ")[-1][0] != "S": pass
print("up", flush=True)
signal.pause()`;
    const file = await directory.file("program.py", code);
    const words = jailArgv(["-A"], ["/usr/bin/python3", file], engine);
    await using terminal = new Terminal(BASH);
    await terminal.see(/\$ $/);
    await terminal.type(`${words.join(" ")}\n`);
    await terminal.see(/up\r\n/);
    await terminal.type(CTRL_Z);
    await terminal.see(/Stopped/);
    await terminal.see(/\$ $/);
    await terminal.type("echo $((6 * 7))\n");
    await terminal.see(/\n42\r\n/);
  });

  Deno.test(`jail (${engine}) is ended by Ctrl-D as the program is`, async () => {
    await using terminal = new Terminal(BASH);
    await terminal.see(/\$ $/);
    const words = jailArgv(
      ["-A"],
      ["sh", "-c", "'echo up; cat; exit 6'"],
      engine,
    );
    await terminal.type(`${words.join(" ")}; echo code=$?\n`);
    await terminal.see(/up\r\n/);
    await terminal.type(`x\n${CTRL_D}`);
    await terminal.see(/code=6\r\n/);
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) goes on where its program stops the terminal`,
    ),
    async fn(): Promise<void> {
      await using terminal = new Terminal(
        jailArgv(["--report"], ["/usr/bin/python3", "-c", STOPPING], engine),
      );
      await terminal.see(/\[5n/);
      await terminal.type("\x1b[0n");
      assertEquals(await terminal.code(), 9);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) says how many messages a stopped terminal has cost`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const done = `${directory.path}/done`;
      const isDone = (): boolean =>
        [...Deno.readDirSync(directory.path)].length > 0;
      await using terminal = new Terminal(
        jailArgv(
          ["-p", "default", `--allow-write=${directory.path}`, "--report"],
          ["/usr/bin/python3", "-c", REFUSED_MUCH, done],
          engine,
        ),
      );
      await terminal.see(/up\r\n/);
      await terminal.type(`${CTRL_S}\n`);
      assert(await eventually(isDone, 10_000));
      await terminal.type(`${CTRL_Q}\n`);
      await terminal.see(/denied openat\("\/root\/0+"/);
      await terminal.see(/\njail: [0-9]+ messages are missing here, which/);
      assertEquals(await terminal.code(), 0);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) loses no message at its end where a terminal takes them slowly`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const done = `${directory.path}/done`;
      const outside = `import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0: os.execvp(sys.argv[2], sys.argv[2:])
shown = b""
while b"up\\r\\n" not in shown: shown += os.read(terminal, 1)
# Stopped, until the program has made its calls.
os.write(terminal, b"\\x13\\n")
while not os.path.exists(sys.argv[1]): time.sleep(0.01)
os.write(terminal, b"\\x11\\n")
try:
    while more := os.read(terminal, 2048):
        shown += more
        time.sleep(0.005)
except OSError: pass
print(b"messages are missing here" in shown, os.waitpid(pid, 0)[1])`;
      const { stdout } = await run([
        ...["/usr/bin/python3", "-c", outside, done],
        ...jailArgv(
          ["-p", "default", `--allow-write=${directory.path}`, "--report"],
          ["/usr/bin/python3", "-c", REFUSED_MUCH, done],
          engine,
        ),
      ]);
      assertEquals(stdout, "True 0\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3", "setpriv"],
      `jail (${engine}) goes on where its program stops a terminal of another user`,
    ),
    async fn(): Promise<void> {
      // As after su(1); it takes root to make it so.
      const user = Deno.uid() === 0 ? ["sh", "-c", GIVEN_AWAY, "sh"] : [];
      const argv = ["/usr/bin/python3", "-c", STOPPING];
      await using terminal = new Terminal(
        [...user, ...jailArgv(["--report"], argv, engine)],
      );
      await terminal.see(/\[5n/);
      await terminal.type("\x1b[0n");
      assertEquals(await terminal.code(), 9);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) ends as the program does, whatever that made of the terminal`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const script = await directory.file("script.py", PARTING);
      const policy = await directory.file("policy.yaml", PARTING_POLICY);
      const many = `${directory.path}/many`;
      await Deno.mkdir(many);
      await Deno.chmod(many, 0o777);
      for (let i = 0; i < 5000; i++) Deno.symlinkSync("x", `${many}/${i}`);
      for (const way of ["tostop", "interrupt"]) {
        await using terminal = new Terminal(BASH);
        await terminal.see(/\$ $/);
        // What comes late is not to end the line that is typed here.
        await terminal.type("trap : INT\n");
        const argv = ["/usr/bin/python3", script, way, many];
        const words = jailArgv(["--report", "-p", policy], argv, engine);
        const line = `TMPDIR=${directory.path} ${words.join(" ")}`;
        await terminal.type(`${line}; echo code=$?\n`);
        // A terminal's answer to the question whether it is well.
        await terminal.see(/\[5n/);
        await terminal.type("\x1b[0n");
        await terminal.see(/denied openat\("\/etc\/shadow"[^\n]*2 times/);
        await terminal.see(/code=9\r\n/);
        const left = [...Deno.readDirSync(directory.path)].filter(({ name }) =>
          name.startsWith("jail-")
        );
        assertEquals([way, left], [way, []]);
      }
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a change to the size of the terminal that it is at`,
    ),
    async fn(): Promise<void> {
      await using terminal = new Terminal(
        jailArgv([], ["/usr/bin/python3", "-c", SIZING], engine),
      );
      await terminal.see(/30 31 1 1\r\n24 80\r\n/);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `a program (${engine}) stops and drops the output of a terminal of its own alone`,
    ),
    async fn(): Promise<void> {
      await using terminal = new Terminal(
        jailArgv(["-A"], ["/usr/bin/python3", "-uc", FLOWING], engine),
      );
      await terminal.see(/own \[None, 'EAGAIN', None, 2\] None EAGAIN\r\n/);
      await terminal.see(/other ENOTTY EBADF\r\n/);
      await terminal.see(/at \[None, 1, None, 2\] \[None, 1, None, 2\]\r\n/);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `a program (${engine}) keeps others from opening a terminal of its own alone`,
    ),
    async fn(): Promise<void> {
      await using terminal = new Terminal(
        jailArgv(["-A"], ["/usr/bin/python3", "-uc", EXCLUDING], engine),
      );
      await terminal.see(/1 0\r\nEPERM EPERM\r\n/);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `a program (${engine}) hangs up a terminal of its own whose output it dropped beside a thread`,
    ),
    async fn(): Promise<void> {
      const { stdout } = await jail(
        [
          `--engine=${engine}`,
          "-A",
          "--",
          "/usr/bin/python3",
          "-c",
          HANGING_UP,
        ],
      );
      assertEquals(stdout, "hung up\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets a session take a terminal that no other one has, as setsid(1) asks for it`,
    ),
    async fn(): Promise<void> {
      const { stdout } = await jail(
        [`--engine=${engine}`, "-A", "--", "/usr/bin/python3", "-c", TAKING],
      );
      assertEquals(stdout, "taken\nEPERM\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets a shell put its jobs in front before they run, whoever keeps its processor busy`,
    ),
    async fn(): Promise<void> {
      const { code } = await jail(
        [`--engine=${engine}`, "-A", "--", "/usr/bin/python3", "-c", BUSY],
      );
      assert(code <= FEW, `${code} of 24 jobs were stopped`);
    },
  });

  Deno.test(`jail (${engine}) lets a program see its window and its change`, async () => {
    const script =
      `trap 'echo changed; stty size; exit' WINCH; stty size; while :; do sleep 0.05; done`;
    await using terminal = new Terminal(
      jailArgv(["-A"], ["bash", "-c", script], engine),
    );
    await terminal.see(/24 80\r\n/);
    await terminal.type(RESIZE);
    await terminal.see(/changed\r\n45 123\r\n/);
  });
}
