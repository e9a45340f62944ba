import { assertEquals } from "@std/assert";
import { fromText, toCString } from "../abi/bytes.ts";
import { ENOTDIR } from "../abi/errno.ts";
import { mkdir } from "./files.ts";
import { removeTree } from "./remove.ts";

/** A directory that is empty but for a file which must stay, beside the tree. */
async function place(): Promise<{ path: string; tree: string }> {
  const path = await Deno.makeTempDir({ prefix: "jail-test-" });
  await Deno.writeTextFile(`${path}/stays`, "x");
  const tree = `${path}/tree`;
  await Deno.mkdir(tree);
  return { path, tree };
}

async function left(path: string): Promise<string[]> {
  const names = [...Deno.readDirSync(path)].map(({ name }) => name);
  assertEquals(await Deno.readTextFile(`${path}/stays`), "x");
  await Deno.remove(path, { recursive: true });
  return names;
}

Deno.test("removeTree() removes files, links and directories, and nothing that a link leads to", async () => {
  const { path, tree } = await place();
  await Deno.mkdir(`${tree}/a/b/c`, { recursive: true });
  await Deno.writeTextFile(`${tree}/a/b/file`, "");
  await Deno.symlink(`${path}/stays`, `${tree}/a/link`);
  await Deno.symlink("..", `${tree}/a/b/up`);
  assertEquals(removeTree(fromText(tree)), 0);
  assertEquals(await left(path), ["stays"]);
});

Deno.test("removeTree() removes directories that are closed to their owner", async () => {
  const { path, tree } = await place();
  await Deno.mkdir(`${tree}/a/b`, { recursive: true });
  await Deno.writeTextFile(`${tree}/a/b/file`, "");
  for (const name of ["a/b", "a", "."]) await Deno.chmod(`${tree}/${name}`, 0);
  assertEquals(removeTree(fromText(tree)), 0);
  assertEquals(await left(path), ["stays"]);
});

Deno.test("removeTree() removes names that are not text", async () => {
  const { path, tree } = await place();
  for (const name of ["\xff", "\n", "-rf", "\xff/\xfe"]) {
    assertEquals(mkdir(toCString(`${fromText(tree)}/${name}`), 0o700), 0);
  }
  assertEquals(removeTree(fromText(tree)), 0);
  assertEquals(await left(path), ["stays"]);
});

Deno.test("removeTree() removes a tree that is deeper than any path is long", async () => {
  const { path, tree } = await place();
  const cwd = Deno.cwd();
  try {
    Deno.chdir(tree);
    for (let depth = 0; depth < 5000; depth++) {
      Deno.mkdirSync("d");
      Deno.chdir("d");
    }
  } finally {
    Deno.chdir(cwd);
  }
  assertEquals(removeTree(fromText(tree)), 0);
  assertEquals(await left(path), ["stays"]);
});

Deno.test("removeTree() removes a directory with more names than one read gives", async () => {
  const { path, tree } = await place();
  for (let i = 0; i < 3000; i++) {
    Deno.mkdirSync(`${tree}/${i}/x`, { recursive: true });
  }
  assertEquals(removeTree(fromText(tree)), 0);
  assertEquals(await left(path), ["stays"]);
});

Deno.test("removeTree() is content where there is nothing, and says what is no directory", async () => {
  const { path } = await place();
  assertEquals(removeTree(fromText(`${path}/nothing`)), 0);
  assertEquals(removeTree(fromText(`${path}/stays`)), -ENOTDIR);
  await Deno.remove(`${path}/tree`);
  assertEquals(await left(path), ["stays"]);
});
