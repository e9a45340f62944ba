/** Runs the command for tests: from its source, or the compiled file. */

/** How the command ended, and what it wrote. */
export interface Ended {
  /** The exit code, or 128 and the signal. */
  readonly code: number;
  /** The signal that ended it. */
  readonly signal: Deno.Signal | null;
  /** Standard output. */
  readonly stdout: string;
  /** Standard error. */
  readonly stderr: string;
}

/** How to run the command. */
export interface JailOptions {
  /** The working directory. */
  readonly cwd?: string;
  /** More environment variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The command: its source, or what `scripts/test.ts` made of it for all tests. */
const MAIN = Deno.env.get("JAIL_MAIN") ??
  new URL("../main.ts", import.meta.url).pathname;

/** Where `scripts/test.ts` has bundled the scripts that tests start, if it has. */
const SCRIPTS = Deno.env.get("JAIL_SCRIPTS");

/** The words that start a file by Deno, but its arguments. */
function denoArgv(file: string): readonly string[] {
  // Each file is compiled once, for thousands of starts.
  const flags = ["-A", "--no-check", "--v8-flags=--no-lazy"];
  return [Deno.execPath(), "run", ...flags, file];
}

/**
 * The words that start a script of this folder, but its arguments.
 *
 * @param name its file's name, without `.ts`
 */
export function scriptCommand(name: string): readonly string[] {
  return denoArgv(
    SCRIPTS === undefined
      ? new URL(`${name}.ts`, import.meta.url).pathname
      : `${SCRIPTS}/tests/${name}.js`,
  );
}

/**
 * The words that start the command: by Deno, or with `JAIL_BINARY=FILE` that file
 * alone, as a user who is not root and has no Deno.
 */
export function jailCommand(): readonly string[] {
  const binary = Deno.env.get("JAIL_BINARY");
  if (binary === undefined) return denoArgv(MAIN);
  const alone = ["env", "-i", "PATH=/usr/bin:/bin", "HOME=/nonexistent"];
  if (Deno.uid() !== 0) return [...alone, binary];
  const user = ["--reuid=65534", "--regid=65534", "--clear-groups"];
  return ["setpriv", ...user, ...alone, binary];
}

/**
 * Runs the command.
 *
 * @param args its words
 * @param options where, and with which environment
 */
export async function jail(
  args: readonly string[],
  options: JailOptions = {},
): Promise<Ended> {
  const [command = "", ...first] = jailCommand();
  const { code, signal, stdout, stderr } = await new Deno.Command(command, {
    args: [...first, ...args],
    stdin: "null",
    env: { NO_COLOR: "1", ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    signal,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** A fresh directory that every user may write to; removed when disposed of. */
export async function scratch(): Promise<Scratch> {
  const path = await Deno.makeTempDir({ prefix: "jail-test-" });
  await Deno.chmod(path, 0o777);
  return new Scratch(path);
}

/** A directory of one test. */
export class Scratch {
  /** Its path. */
  readonly path: string;

  /** Takes a directory over. */
  constructor(path: string) {
    this.path = path;
  }

  /** Writes a file there, and returns its path. */
  async file(name: string, text: string, mode = 0o644): Promise<string> {
    const path = `${this.path}/${name}`;
    await Deno.writeTextFile(path, text);
    await Deno.chmod(path, mode);
    return path;
  }

  /** Removes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
