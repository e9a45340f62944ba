import { assertEquals, assertRejects } from "@std/assert";
import { PolicyError } from "../errors.ts";
import { loadPolicy, policyLoader } from "./file/extend.ts";
import { parsePolicy } from "./file/parse.ts";
import { mergeLayers } from "./merge.ts";
import { EMPTY_LAYER, type Layer } from "./policy.ts";

const OUTSIDE = { cwd: "/home/u", home: "/home/u*", "policy-dir": "/p" };

function parse(text: string): Promise<Layer> {
  return parsePolicy(text, {
    source: "p.yaml",
    variables: { cwd: "/inside", tmp: "/tmp/x", program: "/bin/ls" },
    outside: OUTSIDE,
  });
}

const ROOTS: readonly (readonly [text: string, path: string])[] = [
  ["/srv/box", "/srv/box"],
  ["${policy-dir}/box", "/p/box"],
  ["${cwd}/box", "/home/u/box"],
  ["~/box", "/home/u*/box"],
  // No wildcard: a directory has one name.
  ["/srv/*", "/srv/*"],
];

for (const [text, path] of ROOTS) {
  Deno.test(`parsePolicy() takes ${path} for the root that is "${text}"`, async () => {
    const { root, read } = await parse(`{root: "${text}", read: ["\${cwd}"]}`);
    assertEquals(root, {
      path,
      ref: { source: "p.yaml", keys: ["root"], text },
    });
    assertEquals(read.allow.map(({ pattern }) => pattern), ["/inside"]);
  });
}

const FAULTS: readonly (readonly [text: string, message: string])[] = [
  ["box", "a path must be absolute or start with a variable"],
  ['""', "a path must be absolute or start with a variable"],
  ["[/a]", "a text is expected, not a list"],
  ["${tmp}", 'variable "${tmp}" has no value here'],
  ["${program}", 'variable "${program}" has no value here'],
  ["~other/x", "the home directory of another user is not known"],
];

for (const [text, message] of FAULTS) {
  Deno.test(`parsePolicy() takes ${text} for no root`, async () => {
    const error = await assertRejects(
      () => parse(`read: [/a]\nroot: ${text}\n`),
      PolicyError,
    );
    assertEquals(
      error.message.split(" at line ")[0],
      `Cannot read policy "p.yaml": ${message}`,
    );
    assertEquals(error.position?.line, 2);
  });
}

Deno.test("mergeLayers() takes the root that is named last", () => {
  const rooted = (path: string): Layer => ({
    ...EMPTY_LAYER,
    root: { path, ref: { source: path, keys: ["root"], text: path } },
  });
  const merged = mergeLayers([rooted("/a"), rooted("/b"), EMPTY_LAYER]);
  assertEquals(merged.root?.path, "/b");
  assertEquals(mergeLayers([EMPTY_LAYER]).root, undefined);
});

Deno.test("loadPolicy() means the directory of a file inside, but for the root", async () => {
  const text = 'root: "${policy-dir}/.."\nread: ["${policy-dir}/x"]\n';
  const load = policyLoader(() =>
    Promise.resolve(new TextEncoder().encode(text))
  );
  const options = { load, variables: {}, from: "/srv/box/etc" };
  const inside = (directory: string): string =>
    directory.slice("/srv/box".length);
  const [layer] = await loadPolicy("./p.yaml", {
    ...{ ...options, outside: {}, inside },
  });
  assertEquals(layer?.root?.path, "/srv/box/etc/..");
  assertEquals(layer?.read.allow[0]?.pattern, "/etc/x");
  // Where it is not in the root, it has no name in there.
  await assertRejects(
    () =>
      loadPolicy("./p.yaml", {
        ...{ ...options, outside: {}, inside: () => undefined },
      }),
    PolicyError,
    'variable "${policy-dir}" has no value here',
  );
});
