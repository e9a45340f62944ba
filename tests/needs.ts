/** What a test needs of the machine, said where it is skipped. */

/** The part of a test's definition that depends on the machine. */
export interface Needs {
  /** The name, with the reason where it is skipped. */
  readonly name: string;
  /** Whether it is skipped. */
  readonly ignore: boolean;
}

/**
 * Skips a test visibly where commands that it needs are missing.
 *
 *     Deno.test({ ...needs(["gcc"], "gcc builds a project"), fn })
 *
 * @param commands what must be in PATH
 * @param name the test's name
 */
export function needs(commands: readonly string[], name: string): Needs {
  const missing = commands.filter((command) => !inPath(command));
  return missing.length === 0
    ? { name, ignore: false }
    : { name: `${name} (needs ${missing.join(", ")})`, ignore: true };
}

/** What the name of a test ends with that no package makes run on this machine. */
export const LACKING = " (this machine has no ";

/**
 * Skips a test visibly where the machine itself lacks what it needs, which
 * nobody can install: CI lets that pass.
 *
 * @param has whether it is there
 * @param what what it is
 * @param name the test's name
 */
export function hasMachine(has: boolean, what: string, name: string): Needs {
  return has
    ? { name, ignore: false }
    : { name: `${name}${LACKING}${what})`, ignore: true };
}

let mounts: boolean | undefined;

/**
 * Skips a test visibly where nobody can make a mount namespace.
 *
 * @param name the test's name
 */
export function hasMounts(name: string): Needs {
  mounts ??= inPath("unshare") && new Deno.Command("unshare", {
    ...{ args: ["-m", "true"], stdout: "null", stderr: "null" },
  }).outputSync().success;
  return hasMachine(mounts, "mount namespaces", name);
}

/**
 * Skips a test visibly where nobody can mount an overlay.
 *
 * @param name the test's name
 */
export function hasOverlays(name: string): Needs {
  const script = 'cd "$(mktemp -d)" && trap \'rm -r "$PWD"\' EXIT && ' +
    "mkdir low up work over && mount -t overlay " +
    "-o lowerdir=low,upperdir=up,workdir=work none over && umount over";
  const has = inPath("unshare") && new Deno.Command("unshare", {
    ...{ args: ["-m", "sh", "-c", script], stdout: "null", stderr: "null" },
  }).outputSync().success;
  return hasMachine(has, "overlays to mount", name);
}

/**
 * Skips a test visibly where root cannot be somebody else in a namespace of users.
 *
 * @param name the test's name
 */
export function hasUsers(name: string): Needs {
  const has = Deno.uid() === 0 && inPath("unshare") &&
    new Deno.Command("unshare", {
      ...{ args: ["-U", "--map-user=1234", "true"] },
      ...{ stdout: "null", stderr: "null" },
    }).outputSync().success;
  return hasMachine(has, "root to run it, or namespaces of users", name);
}

/**
 * Mounts a file system at `out` whose directories list names alone: mke2fs(8), without
 * `filetype`. Whoever runs it has a mount namespace.
 */
export const LISTS_NAMES = "truncate -s 1M disk && " +
  "mke2fs -q -t ext2 -O ^filetype disk && mkdir out && mount disk out";

/**
 * Skips a test visibly where nobody can mount such a file system.
 *
 * @param name the test's name
 */
export function hasNamesAlone(name: string): Needs {
  const script =
    `cd "$(mktemp -d)" && trap 'rm -r disk; rmdir "$PWD"' EXIT && ` +
    `{ ${LISTS_NAMES}; } && umount out && rmdir out`;
  const has = inPath("unshare") && inPath("mke2fs") &&
    new Deno.Command("unshare", {
      ...{ args: ["-m", "sh", "-c", script], stdout: "null", stderr: "null" },
    }).outputSync().success;
  return hasMachine(has, "ext2 to mount, or mke2fs", name);
}

/** A serial line that can be opened here, if there is one. */
export async function serialLine(): Promise<string | undefined> {
  const line = "/dev/ttyS0";
  try {
    const stty = new Deno.Command("stty", {
      ...{ args: ["-F", line], stdout: "null", stderr: "null" },
    });
    return (await stty.output()).success ? line : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Skips a test visibly where there can be no namespace in which the ids of
 * processes come round soon: before Linux 6.14 their number is the machine's.
 *
 * @param name the test's name
 */
export function hasFewIds(name: string): Needs {
  const [major = 0, minor = 0] = Deno.osRelease().split(".").map(parseFloat);
  const has = Deno.uid() === 0 && (major > 6 || major === 6 && minor >= 14);
  return hasMachine(has, "namespace with few process ids", name);
}

/**
 * The words that run a program where ids of processes come round soon.
 *
 * @param argv the program
 * @param most the largest id
 */
export function withFewIds(argv: readonly string[], most = 1500): string[] {
  const script = `echo ${most} >/proc/sys/kernel/pid_max && exec "$@"`;
  const unshare = ["unshare", "-p", "-f", "--mount-proc"];
  return [...unshare, "sh", "-c", script, "sh", ...argv];
}

function inPath(command: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((directory) => {
    try {
      return Deno.statSync(`${directory}/${command}`).isFile;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      if (error instanceof Deno.errors.NotADirectory) return false;
      throw error;
    }
  });
}
