import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { PolicyError } from "../../errors.ts";
import { mergeLayers } from "../merge.ts";
import type { Layer } from "../policy.ts";
import { loadPolicy, policyLoader } from "./extend.ts";
import { parsePolicy } from "./parse.ts";

function load(
  files: Readonly<Record<string, string>>,
  reference: string,
): Promise<Layer[]> {
  const read = (path: string): Promise<Uint8Array | undefined> => {
    const text = files[path];
    return Promise.resolve(
      text === undefined ? undefined : new TextEncoder().encode(text),
    );
  };
  return loadPolicy(reference, {
    load: policyLoader(read),
    variables: { cwd: "/w", program: "/bin/x" },
    from: "/p",
  });
}

Deno.test("loadPolicy() puts what is extended first, each file once", async () => {
  const layers = await load({
    "/p/top.yaml": "extends: [sub/left.yaml, sub/right.yaml]",
    "/p/sub/left.yaml": "extends: base.yaml",
    "/p/sub/right.yaml": "extends: ./base.yaml",
    "/p/sub/base.yaml": 'read: ["${policy-dir}/data"]',
  }, "./top.yaml");
  assertEquals(layers.map((layer) => layer.sources[0]?.name), [
    "./sub/base.yaml",
    "./sub/left.yaml",
    "./sub/right.yaml",
    "./top.yaml",
  ]);
  assertEquals(layers[0]?.read.allow[0]?.pattern, "/p/sub/data");
});

Deno.test("loadPolicy() finds a built-in policy by name", async () => {
  const layers = await load({ "/p/a.yaml": "extends: minimal" }, "a.yaml");
  assertEquals(layers.map((layer) => layer.sources[0]?.name), [
    "minimal",
    "a.yaml",
  ]);
});

const WRONG = [
  ["itself", { "/p/a.yaml": "extends: ./a.yaml" }, "extends itself", "1:10"],
  [
    "itself by way of another",
    {
      "/p/a.yaml": "read: []\nextends: [b.yaml]",
      "/p/b.yaml": "extends: a.yaml",
    },
    "/p/a.yaml -> /p/b.yaml -> /p/a.yaml",
    "1:10",
  ],
  [
    "what is not there",
    { "/p/a.yaml": "extends: [no.yaml]" },
    `"no.yaml"`,
    "1:11",
  ],
  [
    "a built-in policy that is misspelt",
    { "/p/a.yaml": "extends: minmal" },
    `"minmal"`,
    "1:10",
  ],
] as const;

for (const [what, files, message, place] of WRONG) {
  Deno.test(`loadPolicy() refuses a policy that extends ${what}`, async () => {
    const error = await assertRejects(() => load(files, "a.yaml"), PolicyError);
    assertEquals(error.message.includes(message), true, error.message);
    const { position } = error;
    assertEquals(`${position?.line}:${position?.column}`, place);
    assertEquals(typeof error.hint, "string");
  });
}

Deno.test("loadPolicy() calls a file that another one extends as a person would", async () => {
  const files = {
    "/p/a.yaml": "extends: ./b.yaml",
    "/p/b.yaml": "extends: .//./c/d.yaml",
    "/p/c/d.yaml": "extends: ../e.yaml",
    "/p/e.yaml": "read: [/usr]",
  };
  const names = async (reference: string): Promise<string[]> =>
    (await load(files, reference)).map(({ sources }) => sources[0]?.name ?? "");
  assertEquals(await names("./a.yaml"), [
    ...["./c/../e.yaml", "./c/d.yaml", "./b.yaml", "./a.yaml"],
  ]);
  assertEquals(await names("a.yaml"), [
    ...["./c/../e.yaml", "./c/d.yaml", "./b.yaml", "a.yaml"],
  ]);
});

Deno.test("loadPolicy() refuses a chain that does not end", async () => {
  const files: Record<string, string> = {};
  for (let i = 0; i < 40; i++) files[`/p/${i}.yaml`] = `extends: ${i + 1}.yaml`;
  const error = await assertRejects(() => load(files, "0.yaml"), PolicyError);
  assertEquals(
    error.message.includes("more than 16 deep"),
    true,
    error.message,
  );
});

Deno.test("loadPolicy() says which policies there are when one is not", async () => {
  const error = await assertRejects(() => load({}, "nothing"), PolicyError);
  assertEquals(error.hint?.includes("minimal"), true);
});

Deno.test("loadPolicy() names no built-in policy where a file is meant", async () => {
  const error = await assertRejects(() => load({}, "./base"), PolicyError);
  assertEquals(error.hint, "there is no such file");
});

Deno.test("loadPolicy() says how to name several policies, here and in a file", async () => {
  const both = "base, git";
  const flag = await assertRejects(() => load({}, both), PolicyError);
  assertEquals(flag.hint, "each policy needs a flag: -p base -p git");
  const files = { "/p/a.yaml": `extends: ${both}` };
  const file = await assertRejects(() => load(files, "a.yaml"), PolicyError);
  assertEquals(file.hint, "write a list: [base, git]");
});

Deno.test("mergeLayers() merges no layer without what it extends, and closes", async () => {
  const text = "extends: ./b.yaml\nread: [/etc]";
  const layer = await parsePolicy(text, { source: "mine", variables: {} });
  const error = assertThrows(() => mergeLayers([layer]), PolicyError);
  assertEquals(
    error.message,
    'Cannot merge policy "mine": "./b.yaml", which it extends, was not loaded',
  );
  const files = { "/p/a.yaml": text, "/p/b.yaml": "read: {deny: [/etc/x]}" };
  const { read } = mergeLayers(await load(files, "./a.yaml"));
  assertEquals(read.deny.map(({ pattern }) => pattern), ["/etc/x"]);
});
