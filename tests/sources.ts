/** The sources of jail, for the tests that read them. */

/** A file of TypeScript. */
export interface Source {
  /** Its path beneath the folder that was asked for. */
  readonly name: string;
  /** What is in it. */
  readonly text: string;
}

/** All that is beneath a folder; its address ends in a slash. */
export async function* sourcesIn(
  folder: URL,
  prefix = "",
): AsyncGenerator<Source> {
  for await (const entry of Deno.readDir(folder)) {
    const url = new URL(entry.name, folder);
    if (entry.isDirectory) {
      yield* sourcesIn(new URL(`${url}/`), `${prefix}${entry.name}/`);
    } else if (entry.name.endsWith(".ts")) {
      yield {
        name: `${prefix}${entry.name}`,
        text: await Deno.readTextFile(url),
      };
    }
  }
}
