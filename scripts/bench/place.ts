/** The directory that the benchmark works in: a repository, a build, a page. */

import { ROOT } from "../parts.ts";

/** A place for the benchmark; it is removed when disposed of. */
export interface Place extends AsyncDisposable {
  /** Where it is. */
  readonly path: string;
  /** The environment of what runs there. */
  readonly env: Readonly<Record<string, string>>;
}

/** How many files `make` builds. */
export const BUILT = 30;

/** How many files the repository has. */
export const TRACKED = 5000;

/** How many files a directory of it has. */
const TOGETHER = 100;

/** Makes a place. */
export async function makePlace(): Promise<Place> {
  // Not in /tmp, which policies open and tools mount over.
  const path = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "jail-" });
  const own = Deno.env.toObject();
  const home = own["HOME"] ?? "/";
  const env = {
    HOME: home,
    // Where Deno keeps what jail imports.
    DENO_DIR: own["DENO_DIR"] ??
      `${own["XDG_CACHE_HOME"] ?? `${home}/.cache`}/deno`,
    // No shims of version managers, which are programs of their own.
    PATH: "/usr/local/bin:/usr/bin:/bin",
    LANG: "C.UTF-8",
  };
  const place: Place = {
    path,
    env,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
  for (const [from, name] of FILES) {
    await Deno.copyFile(new URL(from, ROOT), `${path}/${name}`);
  }
  await makeBuild(`${path}/build`);
  await makeRepository(`${path}/repository`);
  await ran("gcc", ["-O1", "-pthread", "-o", "work", "work.c"], place);
  const git = "git init -q && git add . && " +
    "git -c user.name=a -c user.email=a@example.org commit -qm all";
  await ran("sh", ["-c", `cd repository && ${git}`], place);
  return place;
}

const FILES: readonly (readonly [string, string])[] = [
  ["scripts/bench/work.c", "work.c"],
  ["scripts/bench/serve.mjs", "serve.mjs"],
  ["tests/policies/imports.py", "imports.py"],
  ["tests/policies/page.ps", "page.ps"],
];

async function makeBuild(path: string): Promise<void> {
  await Deno.mkdir(path);
  const names = Array.from({ length: BUILT }, (_, i) => `part${i}`);
  for (const name of names) {
    await Deno.writeTextFile(
      `${path}/${name}.c`,
      `#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n` +
        `void ${name}(void) { puts("${name}"); }\n`,
    );
  }
  const objects = names.map((name) => `${name}.o`).join(" ");
  await Deno.writeTextFile(
    `${path}/Makefile`,
    `all: ${objects}\n%.o: %.c\n\tgcc -O1 -c -o $@ $<\n`,
  );
}

async function makeRepository(path: string): Promise<void> {
  for (let i = 0; i < TRACKED; i++) {
    const folder = `${path}/${Math.floor(i / TOGETHER)}`;
    if (i % TOGETHER === 0) await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(`${folder}/${i}.txt`, `file ${i}\n`);
  }
}

/** Runs a command of the preparation; what fails shows at its workload. */
async function ran(
  command: string,
  args: readonly string[],
  { path, env }: Place,
): Promise<void> {
  try {
    await new Deno.Command(command, {
      ...{ args: [...args], cwd: path, env, clearEnv: true },
      ...{ stdout: "null", stderr: "inherit" },
    }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
