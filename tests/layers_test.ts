/** Holds the arrows between the layers, and where the machine may be touched. */

import { assertEquals } from "@std/assert";
import { type Source, sourcesIn } from "./sources.ts";

const SRC = new URL("../src/", import.meta.url);
const ROOT = new URL("../", import.meta.url);

// What each layer may import besides itself. ARCHITECTURE.md draws it.
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  abi: [],
  errors: ["abi"],
  outcome: ["abi"],
  tree_node: [],
  policy: ["abi", "errors", "outcome", "tree_node", "policies"],
  sys: ["abi", "errors", "outcome", "tree_node"],
  trace: ["abi", "errors", "outcome", "policy", "sys"],
  jail: ["abi", "errors", "outcome", "tree_node", "policy", "sys", "trace"],
  mod: ["abi", "errors", "outcome", "policy", "trace", "jail"],
  cli: ["abi", "errors", "outcome", "policy", "sys", "trace", "jail", "deno"],
};

// What the folders of a layer run of each other, and of what lies beside them (".").
// Types may come from all over the layer.
const FOLDERS: Readonly<
  Record<string, Readonly<Record<string, readonly string[]>>>
> = {
  policy: {
    path: ["."],
    net: [".", "path"],
    file: [".", "net", "path"],
    floor: [".", "path"],
    plan: [".", "net"],
    tree: [".", "floor", "path"],
  },
  sys: { task: ["."], launch: [".", "task"] },
  trace: {
    bpf: [],
    facts: [],
    limits: [],
    path: [],
    tracee: [],
    image: ["path", "tracee"],
    look: ["image", "path", "tracee"],
    hold: ["look", "path", "tracee"],
  },
};

/** A source, and its text without comments. */
interface Code extends Source {
  readonly code: string;
}

const SOURCES: readonly Code[] = await Array.fromAsync(
  sourcesIn(SRC),
  (source) => ({
    ...source,
    code: source.text.replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, ""),
  }),
);
const SHIPPED = SOURCES.filter(({ name }) => !name.endsWith("_test.ts"));

/** `policy` for `policy/path/glob.ts`, `errors` for `errors.ts`. */
function layerOf(name: string): string {
  return name.replace(/[/.].*$/, "");
}

const IMPORT_REGEXP =
  /^(?:import|export)\b[^;"]*?\bfrom\s*"([^"]+)"|\bimport\(\s*"([^"]+)"|\bURL\(\s*"([^"]+)",\s*import\.meta\.url/gm;

function importsOf({ code }: Code): string[] {
  return [...code.matchAll(IMPORT_REGEXP)]
    .flatMap((match) => match.slice(1).filter((target) => target))
    // A program that a test writes is text here.
    .filter((target) => !target.includes("$"));
}

Deno.test("each layer imports only from those below it", () => {
  const wrong: string[] = [];
  for (const source of SOURCES) {
    const layer = layerOf(source.name);
    const allowed = ARROWS[layer];
    if (allowed === undefined) {
      throw new Error(`${source.name} belongs to no layer`);
    }
    for (const target of importsOf(source)) {
      if (!target.startsWith(".")) continue;
      const { href } = new URL(target, new URL(source.name, SRC));
      const inside = href.startsWith(SRC.href);
      const name = href.slice((inside ? SRC : ROOT).href.length);
      const to = layerOf(name);
      if (inside && to === layer) continue;
      if (!allowed.includes(to)) wrong.push(`${source.name} imports ${name}`);
    }
  }
  assertEquals(wrong, []);
});

/** The folder of a layer that a file is in, `.` for the layer's own. */
function folderOf(name: string): string {
  const [, folder, file] = name.split("/");
  return file === undefined ? "." : folder ?? ".";
}

const TYPES_REGEXP =
  /^(?:import|export)\s+(?:type\b|\{(?:\s*type\s[^,}]*,?)+\s*\})[^;"]*?from\s*"[^"]+"/gm;

Deno.test("each folder of a layer runs only what lies below it", () => {
  const wrong: string[] = [];
  for (const source of SHIPPED) {
    const layer = layerOf(source.name);
    const allowed = FOLDERS[layer]?.[folderOf(source.name)];
    if (allowed === undefined) continue;
    const code = source.code.replace(TYPES_REGEXP, "");
    for (const target of importsOf({ ...source, code })) {
      if (!target.startsWith(".")) continue;
      const { href } = new URL(target, new URL(source.name, SRC));
      const name = href.slice(SRC.href.length);
      if (!href.startsWith(SRC.href) || layerOf(name) !== layer) continue;
      const to = folderOf(name);
      if (to === folderOf(source.name) || allowed.includes(to)) continue;
      wrong.push(`${source.name} imports ${name}`);
    }
  }
  assertEquals(wrong, []);
});

// The readers of YAML, which the library loads from whatever folder imports it.
const NAMED_WHOLE: readonly string[] = [
  "policy/file/yaml.ts imports npm:deno-std@1.4.0/yaml/mod.js",
  "policy/file/yaml_nodes.ts imports npm:yaml@2.8.1",
];

Deno.test("code imports only the bare names of deno.json, but for YAML", async () => {
  const { imports } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", ROOT)),
  );
  const wrong = SOURCES.flatMap((source) =>
    importsOf(source)
      .filter((target) => !target.startsWith(".") && !(target in imports))
      .map((target) => `${source.name} imports ${target}`)
  );
  assertEquals(wrong.sort(), NAMED_WHOLE);
});

interface Place {
  readonly what: string;
  readonly regexp: RegExp;
  readonly files: readonly string[];
}

const PLACES: readonly Place[] = [
  {
    what: "a library is opened in one file",
    regexp: /\bDeno\.dlopen\b/,
    files: ["sys/library.ts"],
  },
  {
    what: "the machine's architecture is read in one file",
    regexp: /\bDeno\.build\.arch\b/,
    files: ["sys/host.ts"],
  },
  {
    what: "nothing but main.ts exits",
    regexp: /\bDeno\.exit\b/,
    files: [],
  },
];

for (const { what, regexp, files } of PLACES) {
  Deno.test(what, () => {
    const found = SHIPPED.filter(({ code }) => regexp.test(code))
      .map(({ name }) => name);
    assertEquals(found, files);
  });
}

Deno.test("what needs no permission asks nothing of Deno", () => {
  const found = SHIPPED
    .filter(({ name }) =>
      ["abi", "errors", "outcome", "tree_node", "policy"].includes(
        layerOf(name),
      )
    )
    .filter(({ code }) => /\bDeno\b/.test(code))
    .map(({ name }) => name);
  assertEquals(found, []);
});

Deno.test("each file says in its first line what it holds", () => {
  const found = SHIPPED.filter(({ text }) => !text.startsWith("/**"))
    .map(({ name }) => name);
  assertEquals(found, []);
});
