/**
 * Runs a program as jail does, and changes what a path leads to between jail's
 * look at a call and the call itself, as somebody outside could at any time.
 *
 *     deno run -A tests/between.ts ENGINE POLICY CHANGE CALL PATH PROGRAM [ARG...]
 *
 * The change happens once, at the first such call that uses PATH, or a path
 * beneath it where it ends in a slash.
 */

import { dirname } from "node:path";
import { toCString } from "../src/abi/bytes.ts";
import { O_CLOEXEC, O_NOCTTY, O_RDWR } from "../src/abi/fcntl.ts";
import { TIOCSPTLCK } from "../src/abi/ioctls.ts";
import type { SyscallName } from "../src/abi/syscalls.ts";
import { open, write } from "../src/sys/files.ts";
import { libc } from "../src/sys/libc.ts";
import type { Engine } from "../src/trace/options.ts";
import { scriptCommand } from "./jail.ts";
import { runTraced } from "./traced.ts";

/** What somebody outside does to a path. */
export type Change =
  /** A terminal is made that gets its name. */
  | "a terminal comes"
  /** The program closes the terminal of its name, and another gets the name. */
  | "the terminal is another"
  /** A device is made there. */
  | "a device comes"
  /** The directory there is removed, and a file made. */
  | "a file comes in its place"
  /** A file is made there. */
  | "a file comes"
  /** The file there is removed. */
  | "the file goes"
  /** A link takes its place, to what has its name and ".other". */
  | "a link comes in its place"
  /** A directory takes its place, with a link in it. */
  | "a directory comes in its place"
  /** The directory "from" beside it is moved to "closed" beside it. */
  | "the directory beside it is moved"
  /** The link "link" beside the directory that it is in leads to "closed" there. */
  | "the link to its directory is turned"
  /** A link takes the place of the directory that it is in, to "closed" beside that. */
  | "a link comes in the place of its directory"
  /** What is in the file is what is in another one, of this name and ".other". */
  | "another program comes";

/** The file by which {@linkcode Change} and program tell each other. */
export const BELL = "bell";

/** What a terminal outside says to whoever opens it. */
export const GREETING = "from outside\n";

const CHANGES: Readonly<Record<Change, (path: string) => void>> = {
  "a terminal comes": makeTerminal,
  "the terminal is another": () => {
    using bell = Deno.openSync(BELL, { read: true, write: true });
    bell.writeSync(new Uint8Array([1]));
    const byte = new Uint8Array([1]);
    while (byte[0] !== 2) {
      bell.seekSync(0, Deno.SeekMode.Start);
      bell.readSync(byte);
    }
    makeTerminal();
  },
  "a device comes": (path) => {
    new Deno.Command("mknod", { args: [path, "c", "1", "5"] }).outputSync();
  },
  "a file comes in its place": (path) => {
    Deno.removeSync(path);
    Deno.writeTextFileSync(path, "");
    // Whoever makes the call may not be who runs the test.
    Deno.chmodSync(path, 0o777);
  },
  "a file comes": (path) => {
    Deno.writeTextFileSync(path, "");
    Deno.chmodSync(path, 0o666);
  },
  "the file goes": (path) => Deno.removeSync(path),
  "a link comes in its place": (path) => {
    Deno.symlinkSync(`${path}.other`, `${path}.link`);
    Deno.renameSync(`${path}.link`, path);
  },
  "a directory comes in its place": (path) => {
    Deno.removeSync(path);
    Deno.mkdirSync(path);
    Deno.symlinkSync("/", `${path}/rule`);
  },
  "the directory beside it is moved": (path) => {
    const directory = dirname(path);
    Deno.renameSync(`${directory}/from`, `${directory}/closed/from`);
  },
  "the link to its directory is turned": (path) => {
    const top = dirname(dirname(path));
    Deno.symlinkSync("closed", `${top}/next`);
    Deno.renameSync(`${top}/next`, `${top}/link`);
  },
  "a link comes in the place of its directory": (path) => {
    const directory = dirname(path);
    Deno.renameSync(directory, `${directory}.old`);
    Deno.symlinkSync("closed", directory);
  },
  "another program comes": (path) => Deno.copyFileSync(`${path}.other`, path),
};

/** Makes a terminal, which gets the lowest number that is free. */
function makeTerminal(): void {
  const master = open(toCString("/dev/ptmx"), O_RDWR | O_NOCTTY | O_CLOEXEC);
  libc.ioctl(master, TIOCSPTLCK, new Int32Array(1));
  write(master, new TextEncoder().encode(GREETING));
}

/** The words that run a program with a change in the middle of a call. */
export function betweenArgv(
  engine: Engine,
  policy: string,
  [change, call, path]: readonly [Change, SyscallName, string],
  argv: readonly string[],
): string[] {
  return [
    ...scriptCommand("between"),
    engine,
    policy,
    change,
    call,
    path,
    ...argv,
  ];
}

if (import.meta.main) {
  const [engine, policy = "", change, name, path = "", ...argv] = Deno.args;
  let changed = false;
  const outcome = await runTraced(
    engine === "ptrace" ? engine : "seccomp",
    policy,
    argv,
    {
      // Landlock would hold by itself which programs come.
      landlock: change !== "another program comes",
      decide: (call, ask) => {
        const decision = ask(call);
        const uses = call.name === name &&
          call.uses.some((use) => use.path === path);
        if (uses && !changed) {
          changed = true;
          CHANGES[change as Change](path);
        }
        return decision;
      },
    },
  );
  if (!changed) throw new Error(`nobody asked about ${name} of ${path}`);
  Deno.exit(outcome.kind === "exited" ? outcome.code : 125);
}
