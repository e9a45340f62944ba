import { assertEquals } from "@std/assert";
import { fromText } from "../abi/bytes.ts";
import { walk } from "./walk.ts";

async function tree(): Promise<string> {
  const path = await Deno.makeTempDir({ prefix: "jail-test-" });
  await Deno.mkdir(`${path}/a/b`, { recursive: true });
  await Deno.mkdir(`${path}/skipped/deep`, { recursive: true });
  for (const name of ["a/b/.f", "a/...", "x"]) {
    await Deno.writeTextFile(`${path}/${name}`, "");
  }
  await Deno.symlink("/", `${path}/a/link`);
  return path;
}

Deno.test("walk() tells of all names beneath a directory, and follows no link", async () => {
  const path = await tree();
  const found: string[] = [];
  walk(fromText(path), (directory, name) => {
    found.push(`${directory.slice(path.length)}/${name}`);
    return name !== "skipped";
  }, (directory) => found.push(directory));
  await Deno.remove(path, { recursive: true });
  assertEquals(
    found.sort(),
    ["/a", "/a/...", "/a/b", "/a/b/.f", "/a/link", "/skipped", "/x"],
  );
});

Deno.test("walk() tells of nothing where there is no directory", () => {
  const found: string[] = [];
  walk("/nothing", (_, name) => {
    found.push(name);
    return true;
  }, (directory) => found.push(directory));
  assertEquals(found, []);
});

Deno.test("walk() tells which directory it cannot list", async () => {
  const path = await Deno.makeTempDir({ prefix: "jail-test-" });
  const name = "d".repeat(250);
  const script = `i=0; while [ $i -lt 17 ]; do mkdir ${name}; cd ${name}; ` +
    "i=$((i + 1)); done";
  await new Deno.Command("sh", { args: ["-c", script], cwd: path }).output();
  const deep: string[] = [];
  walk(fromText(path), () => true, (directory) => deep.push(directory));
  await new Deno.Command("rm", { args: ["-r", path] }).output();
  assertEquals(deep, [`${path}/${Array(17).fill(name).join("/")}`]);
});
