/** Whenever jail is killed, nothing that it ran is left. */

import { assertEquals } from "@std/assert";
import { jail } from "./harness.ts";
import { HOLDERS, killJail, PHASES } from "./kill.ts";
import { needs } from "./needs.ts";

/** How often in each phase and with each engine; `deno task soak` goes on. */
const ROUNDS = 3;

/**
 * Copies from a socket that nothing comes by to its stderr, in ways that keep the lock
 * of a pipe meanwhile, and from a file.
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
`;

for (const engine of HOLDERS) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets no program keep the lock of a pipe that jail writes to`,
    ),
    fn: async () => {
      const cwd = await Deno.makeTempDir();
      try {
        const { stdout } = await jail(
          ["-R", `-W=${cwd}`, "--allow-run"],
          ["/usr/bin/python3", "-c", KEEPS],
          { cwd, engine },
        );
        // Where nobody can look at a call, none is made without an offset.
        const copied = engine === "kernel" ? "EINVAL EINVAL" : "200 200";
        assertEquals(stdout, `EINVAL EINVAL\nEINVAL ${copied}\n200\n`);
      } finally {
        await Deno.remove(cwd, { recursive: true });
      }
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
