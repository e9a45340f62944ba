/**
 * Where a compiled file begins: code that is no file, but a part of the address that
 * `compile.ts` makes of this text. All others Deno finds by a name in the directory for
 * temporary files, as if they were there; where `..` is in that name it takes them
 * from there, and anybody may have put them there.
 */

import { pathToFileURL } from "node:url";

const directory = Deno.env.get("TMPDIR") ?? "/tmp";
if (directory.split("/").includes("..")) {
  const text =
    `jail: Cannot start with TMPDIR=${JSON.stringify(directory)}\n\n` +
    'hint: name that directory without ".."\n';
  Deno.stderr.writeSync(new TextEncoder().encode(text));
  Deno.exit(125);
}
const name = Deno.execPath().split("/").at(-1);
await import(pathToFileURL(`${directory}/deno-compile-${name}/ENTRY`).href);
