import { assertEquals } from "@std/assert";
import { fromText, toCString } from "../abi/bytes.ts";
import { EINTR, ENOENT, ENOTDIR } from "../abi/errno.ts";
import { close, mkdir } from "./files.ts";
import { holdDirectory, removeTree } from "./remove.ts";

/** A directory that is empty but for a file which must stay, beside the tree. */
async function place(): Promise<{ path: string; tree: string }> {
  const path = await Deno.makeTempDir({ prefix: "jail-test-" });
  await Deno.writeTextFile(`${path}/stays`, "x");
  const tree = `${path}/tree`;
  await Deno.mkdir(tree);
  return { path, tree };
}

/** Removes a tree, where something may be done to it first. */
function removed(tree: string, first: () => void = () => {}): number {
  const held = holdDirectory(fromText(tree));
  try {
    first();
    return removeTree(held);
  } finally {
    close(held);
  }
}

function modeOf(path: string): number {
  return (Deno.lstatSync(path).mode ?? 0) & 0o7777;
}

async function left(path: string): Promise<string[]> {
  const names = [...Deno.readDirSync(path)].map(({ name }) => name);
  assertEquals(await Deno.readTextFile(`${path}/stays`), "x");
  await Deno.remove(path, { recursive: true });
  return names;
}

Deno.test("removeTree() leaves the rest where it is told to give up", async () => {
  const { path, tree } = await place();
  await Deno.mkdir(`${tree}/a/b/c`, { recursive: true });
  const held = holdDirectory(fromText(tree));
  let asked = 0;
  assertEquals(removeTree(held, () => ++asked > 1), -EINTR);
  assertEquals([...Deno.readDirSync(tree)].length, 1);
  assertEquals(removeTree(held), 0);
  close(held);
  assertEquals(await left(path), ["stays"]);
});

Deno.test("removeTree() removes files, links and directories, and nothing that a link leads to", async () => {
  const { path, tree } = await place();
  await Deno.mkdir(`${tree}/a/b/c`, { recursive: true });
  await Deno.writeTextFile(`${tree}/a/b/file`, "");
  await Deno.symlink(`${path}/stays`, `${tree}/a/link`);
  await Deno.symlink("..", `${tree}/a/b/up`);
  assertEquals(removed(tree), 0);
  assertEquals(await left(path), ["stays"]);
});

Deno.test("removeTree() removes directories that are closed to their owner", async () => {
  const { path, tree } = await place();
  await Deno.mkdir(`${tree}/a/b`, { recursive: true });
  await Deno.writeTextFile(`${tree}/a/b/file`, "");
  for (const name of ["a/b", "a", "."]) await Deno.chmod(`${tree}/${name}`, 0);
  assertEquals(removed(tree), 0);
  assertEquals(await left(path), ["stays"]);
});

Deno.test("removeTree() removes names that are not text", async () => {
  const { path, tree } = await place();
  for (const name of ["\xff", "\n", "-rf", "\xff/\xfe"]) {
    assertEquals(mkdir(toCString(`${fromText(tree)}/${name}`), 0o700), 0);
  }
  assertEquals(removed(tree), 0);
  assertEquals(await left(path), ["stays"]);
});

Deno.test("removeTree() removes a tree that is deeper than any path is long", async () => {
  const { path, tree } = await place();
  // What is there already goes beneath a hundred levels more, fifty times.
  const levels = "/d".repeat(100);
  Deno.mkdirSync(`${tree}/old`);
  for (let times = 0; times < 50; times++) {
    Deno.mkdirSync(`${tree}/new${levels}`, { recursive: true });
    Deno.renameSync(`${tree}/old`, `${tree}/new${levels}/d`);
    Deno.renameSync(`${tree}/new`, `${tree}/old`);
  }
  assertEquals(removed(tree), 0);
  assertEquals(await left(path), ["stays"]);
});

Deno.test("removeTree() removes a directory with more names than one read gives", async () => {
  const { path, tree } = await place();
  for (let i = 0; i < 3000; i++) {
    Deno.mkdirSync(`${tree}/${i}/x`, { recursive: true });
  }
  assertEquals(removed(tree), 0);
  assertEquals(await left(path), ["stays"]);
});

Deno.test("removeTree() finds a directory that was moved away, and leaves what has its name", async () => {
  for (const taken of ["nothing", "link", "directory", "file"]) {
    const { path, tree } = await place();
    await Deno.mkdir(`${tree}/a`);
    await Deno.writeTextFile(`${tree}/a/file`, "");
    await Deno.mkdir(`${path}/other`);
    await Deno.writeTextFile(`${path}/other/file`, "");
    await Deno.chmod(`${path}/other`, 0o755);
    const result = removed(tree, () => {
      Deno.renameSync(tree, `${path}/other/moved`);
      Deno.chmodSync(`${path}/other/moved`, 0);
      if (taken === "link") Deno.symlinkSync(`${path}/other`, tree);
      if (taken === "directory") Deno.mkdirSync(tree, { mode: 0o750 });
      if (taken === "file") Deno.writeTextFileSync(tree, "");
    });
    assertEquals(result, 0, taken);
    assertEquals(modeOf(`${path}/other`), 0o755);
    assertEquals([...Deno.readDirSync(`${path}/other`)].length, 1);
    if (taken === "directory") assertEquals(modeOf(tree), 0o750);
    const names = taken === "nothing" ? [] : ["tree"];
    assertEquals((await left(path)).sort(), ["other", "stays", ...names]);
  }
});

Deno.test("removeTree() is content where the directory is gone", async () => {
  const { path, tree } = await place();
  assertEquals(removed(tree, () => Deno.removeSync(tree)), 0);
  await Deno.mkdir(tree);
  const replaced = removed(tree, () => {
    Deno.removeSync(tree);
    Deno.mkdirSync(`${tree} (deleted)`);
  });
  assertEquals(replaced, 0);
  assertEquals((await left(path)).sort(), ["stays", "tree (deleted)"]);
});

Deno.test("removeTree() removes a directory whose name looks like one that is gone", async () => {
  const { path, tree } = await place();
  const result = removed(
    tree,
    () => Deno.renameSync(tree, `${tree} (deleted)`),
  );
  assertEquals(result, 0);
  assertEquals(await left(path), ["stays"]);
});

Deno.test("holdDirectory() follows no link, and holds nothing but a directory", async () => {
  const { path, tree } = await place();
  await Deno.symlink(tree, `${path}/link`);
  await Deno.chmod(tree, 0o555);
  assertEquals(holdDirectory(fromText(`${path}/link`)), -ENOTDIR);
  assertEquals(holdDirectory(fromText(`${path}/stays`)), -ENOTDIR);
  assertEquals(holdDirectory(fromText(`${path}/nothing`)), -ENOENT);
  assertEquals(modeOf(tree), 0o555);
  await Deno.remove(tree);
  await Deno.remove(`${path}/link`);
  assertEquals(await left(path), ["stays"]);
});
