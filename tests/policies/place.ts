/** Directories in which tests run programs under the policies that come with jail. */

import { assertEquals } from "@std/assert";
import { type Ended, run } from "../harness.ts";
import { Scratch } from "../jail.ts";

/** Files by name: their text, made executable where they begin with "#!". */
export type Files = Readonly<Record<string, string>>;

/** Where Deno keeps what jail imports, which it would look for in HOME. */
const DENO_DIR = Deno.env.get("DENO_DIR") ??
  `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`}/deno`;

/** The environment there, which is no one's. */
export const ENV: Readonly<Record<string, string>> = {
  DENO_DIR,
  HOME: "/nonexistent",
  PATH: "/usr/bin:/bin",
};

/** Whether the compiled command is tried, as a user who is not root. */
const asAnother = Deno.env.has("JAIL_BINARY") && Deno.uid() === 0;

/** The text of a file beside this one. */
export function ours(name: string): Promise<string> {
  return Deno.readTextFile(new URL(`${name}`, import.meta.url));
}

/** A directory outside of the one for temporary files, which some policies open. */
export async function place(
  files: Files = {},
  before?: string,
): Promise<Scratch> {
  const path = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "jail-" });
  await Deno.chmod(path, 0o777);
  const made = new Scratch(path);
  for (const [name, text] of Object.entries(files)) {
    const parent = name.slice(0, Math.max(0, name.lastIndexOf("/")));
    await Deno.mkdir(`${path}/${parent}`, { recursive: true });
    await made.file(name, text, text.startsWith("#!") ? 0o755 : 0o644);
  }
  if (before !== undefined) {
    const { code, stderr } = await run(["sh", "-c", before], {
      cwd: path,
      env: ENV,
    });
    assertEquals(code, 0, stderr);
  }
  if (asAnother) await run(["chown", "-hR", "65534:65534", path]);
  return made;
}

/** Runs a program without a jail, as the user that it has in one. */
export function outside(argv: readonly string[], cwd: string): Promise<Ended> {
  if (!asAnother) return run(argv, { cwd, env: ENV });
  const user = ["--reuid=65534", "--regid=65534", "--clear-groups"];
  const env = Object.entries(ENV).map(([name, value]) => `${name}=${value}`);
  return run(["setpriv", ...user, "env", "-i", ...env, ...argv], { cwd });
}
