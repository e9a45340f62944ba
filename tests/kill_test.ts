/** Whenever jail is killed, nothing that it ran is left. */

import { assertEquals } from "@std/assert";
import { ENGINES, jail, jailArgv, run } from "./harness.ts";
import { scratch } from "./jail.ts";
import { HOLDERS, killJail, PHASES } from "./kill.ts";
import { hasMachine, needs } from "./needs.ts";

/** How often in each phase and with each engine; `deno task soak` goes on. */
const ROUNDS = 3;

/**
 * Copies from a socket that nothing comes by to its stderr, in ways that keep the lock
 * of a pipe meanwhile, from a file, and from one of the kernel's own.
 */
const KEEPS = `
import errno, os, signal, socket, threading
def attempt(call, *words):
    child = os.fork()
    if child == 0:
        signal.alarm(2)
        try: os._exit(200 if call(*words) == 3 else 201)
        except OSError as error: os._exit(error.errno)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status): return "kept"
    code = os.WEXITSTATUS(status)
    return errno.errorcode.get(code, code)
pair = socket.socketpair()
quiet = pair[0].fileno()
def beside(*words):
    threading.Thread(target=signal.pause, daemon=True).start()
    return os.sendfile(*words)
with open("file", "w+b", 0) as file:
    file.write(b"abc")
    def copy(): file.seek(0); return os.sendfile(2, file.fileno(), None, 3)
    def spliced(): file.seek(0); return os.splice(file.fileno(), 2, 3)
    print(attempt(os.splice, quiet, 2, 9), attempt(os.sendfile, 2, quiet, None, 9))
    print(attempt(beside, 2, quiet, None, 9), attempt(copy), attempt(spliced))
    print(attempt(os.sendfile, 2, file.fileno(), 0, 3), flush=True)
with open("/proc/sys/kernel/ostype", "rb", 0) as served:
    print(attempt(os.splice, served.fileno(), 2, 9), flush=True)
`;

/** The same once it is another user, whose descriptors jail may not look at. */
const KEEPS_UNSEEN = `
import errno, os, signal, socket
os.setresuid(65534, 65534, 65534)
pair = socket.socketpair()
signal.alarm(2)
try: print(os.splice(pair[0].fileno(), 2, 9))
except OSError as error: print(errno.errorcode[error.errno])
`;

/** Says who it is, and has a line of the report written once it is told. */
const TELLS = `
import os, time
print(os.getpid(), flush=True)
input()
try: open("/etc/shadow")
except OSError: pass
while True: time.sleep(1)
`;

/**
 * Keeps the lock of the pipe that a jail writes its report to, has that killed while it
 * waits for the lock, and prints whether its program runs on.
 */
const KEEPS_FROM_JAIL = `
import os, socket, subprocess, sys, threading, time
_, stderr = os.pipe()
quiet, other = socket.socketpair()
piped = subprocess.PIPE
jail = subprocess.Popen(sys.argv[1:], stdin=piped, stdout=piped, stderr=stderr)
program = jail.stdout.readline().decode().strip()
def state(path):
    try: return open(f"/proc/{path}/stat").read().rsplit(") ", 1)[1][0]
    except OSError: return "X"
def wait(over):
    until = time.monotonic() + 10
    while not over() and time.monotonic() < until: time.sleep(0.01)
    return over()
keeper = threading.Thread(target=os.splice, args=(quiet.fileno(), stderr, 9))
keeper.start()
time.sleep(0.3)
jail.stdin.write(b"\\n")
jail.stdin.flush()
threads = lambda: os.listdir(f"/proc/{jail.pid}/task")
print(wait(lambda: any(state(f"{jail.pid}/task/{tid}") == "D" for tid in threads())))
jail.kill()
print(wait(lambda: state(program) in "ZX"))
other.send(b"x" * 9)
keeper.join()
print(jail.wait())
`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) leaves nothing when it is killed and cannot die`,
    ),
    fn: async () => {
      const { stdout } = await run([
        ...["/usr/bin/python3", "-c", KEEPS_FROM_JAIL],
        ...jailArgv(
          ["-p", "default", "--report"],
          ["/usr/bin/python3", "-c", TELLS],
          engine,
        ),
      ]);
      assertEquals(stdout, "True\nTrue\n-9\n");
    },
  });
}

for (const engine of HOLDERS) {
  Deno.test({
    ...hasMachine(
      Deno.uid() === 0,
      "root to run it",
      `jail (${engine}) lets no program keep the lock of a pipe by descriptors that jail may not look at`,
    ),
    fn: async () => {
      const { stdout } = await run([
        ...["setpriv", "--bounding-set=-sys_ptrace"],
        ...jailArgv(["-A"], ["/usr/bin/python3", "-c", KEEPS_UNSEEN], engine),
      ]);
      assertEquals(stdout, "EINVAL\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets no program keep the lock of a pipe that jail writes to`,
    ),
    fn: async () => {
      await using directory = await scratch();
      const { path: cwd } = directory;
      const { stdout } = await jail(
        ["-R", `-W=${cwd}`, "--allow-run"],
        ["/usr/bin/python3", "-c", KEEPS],
        { cwd, engine },
      );
      // Where nobody can look at a call, none is made without an offset.
      const copied = engine === "kernel" ? "EINVAL EINVAL" : "200 200";
      assertEquals(stdout, `EINVAL EINVAL\nEINVAL ${copied}\n200\nEINVAL\n`);
    },
  });

  for (const phase of PHASES) {
    Deno.test(`jail (${engine}) leaves nothing when it is killed during ${phase}`, async () => {
      for (let round = 0; round < ROUNDS; round++) {
        assertEquals(await killJail(phase, engine, Math.random()), []);
      }
    });
  }

  Deno.test(`jail (${engine}) leaves nothing when it is killed before the program is up`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      // Deno takes some time to start, and so has the launcher.
      assertEquals(await killJail("mixed", engine, -3 * Math.random()), []);
    }
  });
}
