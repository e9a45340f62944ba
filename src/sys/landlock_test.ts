import { assertEquals, assertThrows } from "@std/assert";
import { toCString } from "../abi/bytes.ts";
import {
  LANDLOCK_ACCESS_FS_EXECUTE,
  LANDLOCK_ACCESS_FS_MAKE_DIR,
  LANDLOCK_ACCESS_FS_READ_FILE,
  LANDLOCK_SCOPE_SIGNAL,
} from "../abi/landlock.ts";
import { WEXITSTATUS } from "../abi/wait.ts";
import { SystemCallError } from "../errors.ts";
import { close, readLink } from "./files.ts";
import {
  createRuleset,
  landlockAbi,
  restrictSelf,
  type Ruleset,
} from "./landlock.ts";
import { launch } from "./launch/spawn.ts";
import { libc } from "./libc.ts";
import { waitFor } from "./task/wait.ts";

// Opened outside of a test, in which Deno 2.4 would call it a leak.
libc.__errno_location();

const ABI = landlockAbi();

const NOTHING: Ruleset = { handledFs: 0, handledNet: 0, scoped: 0, rules: [] };

/** The exit code of a shell that submits to a ruleset; 127 where it cannot start. */
function shell(ruleset: Ruleset, script: string): number {
  const fd = createRuleset(ruleset, 2);
  try {
    const launched = launch({
      file: toCString("/bin/sh"),
      argv: ["sh", "-c", script],
      env: ["PATH=/usr/bin:/bin"],
      stdio: [0, 1, 2],
      keepFds: [],
      resetSignals: [],
      extra: [restrictSelf(fd)],
    });
    launched.release();
    const status = new Int32Array(1);
    waitFor(launched.pid, status);
    launched.dispose();
    return WEXITSTATUS(status[0] as number);
  } finally {
    close(fd);
  }
}

/** The descriptors that are open, without the one that lists them. */
function openFds(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

Deno.test({
  name: "restrictSelf() keeps signals inside where they are scoped",
  ignore: ABI < 6,
  fn: () => {
    const outside = { ...NOTHING, scoped: LANDLOCK_SCOPE_SIGNAL };
    assertEquals(shell(outside, "kill -0 $PPID 2>/dev/null"), 1);
    assertEquals(shell(outside, "sleep 9 & kill -0 $$ && kill $!"), 0);
  },
});

Deno.test({
  name: "createRuleset() allows what its rules say",
  ignore: ABI < 1,
  fn: () => {
    const access = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE;
    const rules = [{ path: "/usr", access }, { path: "/usr/none", access }];
    const ruleset = { ...NOTHING, handledFs: access, rules };
    assertEquals(shell(ruleset, "exit 3"), 3);
    assertEquals(shell(ruleset, "read x </etc/passwd"), 2);
    assertEquals(shell({ ...ruleset, rules: [] }, "exit 3"), 127);
  },
});

Deno.test({
  name: "createRuleset() closes what it opened, and says what is wrong",
  ignore: ABI < 1,
  fn: () => {
    const before = openFds();
    const handledFs = LANDLOCK_ACCESS_FS_MAKE_DIR;
    const rules = [{ path: "/etc/passwd", access: handledFs }];
    assertThrows(
      () => createRuleset({ ...NOTHING, handledFs, rules }, 2),
      SystemCallError,
      'Cannot allow "/etc/passwd" by Landlock: landlock_add_rule failed with EINVAL',
    );
    const fd = createRuleset({ ...NOTHING, handledFs }, 40);
    assertEquals(fd > 40, true);
    assertEquals(
      readLink(`/proc/self/fd/${fd}`),
      "anon_inode:[landlock-ruleset]",
    );
    close(fd);
    assertEquals(openFds(), before);
  },
});
