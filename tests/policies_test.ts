/**
 * The policies that come with jail, each with real programs and with what must not
 * work.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Ended, ENGINES, jail } from "./harness.ts";
import { needs } from "./needs.ts";
import { ENV, type Files, ours, outside, place } from "./policies/place.ts";

/** A program that must do the same in a jail and outside. */
interface WorkCase {
  readonly policy: string;
  readonly what: string;
  /** What must be in PATH. */
  readonly needs: readonly string[];
  readonly argv: readonly string[];
  /** What is there before. */
  readonly files?: Files;
  /** What it makes, the same to the byte. */
  readonly makes?: readonly string[];
  /** What to do outside before. */
  readonly before?: string;
}

const page = await ours("page.ps");

/** A program of thirty files. */
function project(): Files {
  const files: Record<string, string> = {};
  const numbers = Array.from({ length: 30 }, (_, i) => i + 1);
  for (const i of numbers) {
    files[`f${i}.c`] = `int f${i}(int x) { return x + ${i}; }\n`;
  }
  files["main.c"] = [
    "#include <stdio.h>",
    ...numbers.map((i) => `int f${i}(int);`),
    `int main(void) { int x = 0; ${
      numbers.map((i) => `x = f${i}(x);`).join(" ")
    } printf("%d\\n", x); }`,
  ].join("\n");
  files["Makefile"] = [
    "objects = $(patsubst %.c,%.o,$(wildcard *.c))",
    "prog: $(objects)",
    "\tgcc -o $@ $(sort $(objects))",
    "%.o: %.c",
    "\tgcc -O1 -c -o $@ $<",
  ].join("\n") + "\n";
  return files;
}

const WORK: readonly WorkCase[] = [
  {
    policy: "minimal",
    what: "a dynamic binary",
    needs: [],
    argv: ["printf", "%s\n", "hello"],
  },
  {
    policy: "sealed",
    what: "a program that computes",
    needs: [],
    argv: ["awk", "BEGIN { for (i = 0; i < 99; i++) s += i; print s }"],
  },
  {
    policy: "default",
    what: "a pipe of the system's tools",
    needs: ["tar", "gzip"],
    argv: ["sh", "-c", "tar c notes | gzip | gzip -d | tar tv; sort notes"],
    files: { notes: "b\na\n" },
  },
  {
    policy: "minimal",
    what: "node, which reads settings of OpenSSL",
    needs: ["node"],
    argv: ["node", "-p", "6 * 7"],
  },
  {
    policy: "agent",
    what: "a search for settings in the directories above",
    needs: [],
    argv: ["sh", "-c", "ls ../none.json; cat ../none.json ../none/none.json"],
  },
  {
    policy: "build",
    what: "a search for settings in the directories above",
    needs: [],
    argv: ["sh", "-c", "ls ../none.json; cat ../none.json ../none/none.json"],
  },
  ...["agent", "build"].map((policy): WorkCase => ({
    policy,
    what: "a search for settings at home, where secrets are closed",
    needs: ["python3"],
    argv: [
      "/usr/bin/python3",
      "-c",
      `import os
for name in (".netrc", ".config/pypoetry/auth.toml", ".config/pdm/config.toml"):
  try: print(os.stat(os.path.expanduser("~/" + name)))
  except OSError as error: print(error)`,
    ],
  })),
  {
    policy: "node",
    what: "a search for settings in the directories above",
    needs: ["node"],
    argv: [
      ...["node", "-e"],
      "for (const path of ['../none.json', '../none/none.json'])" +
      "  try { fs.statSync(path) } catch ({ code }) { console.log(code) }",
    ],
  },
  {
    policy: "python",
    what: "a search for settings in the directories above",
    needs: ["python3"],
    argv: [
      "/usr/bin/python3",
      "-c",
      `from pathlib import Path
for name in ("none.toml", "none/none.toml"): print(Path("..", name).exists())`,
    ],
  },
  {
    policy: "build",
    what: "mkdir -p, and what else makes names that are there",
    needs: ["node"],
    argv: [
      "sh",
      "-c",
      "mkdir -p /usr/bin sub/deep; mkdir /usr; ln -s x /etc/passwd; mknod /bin p; " +
      "mkdir ${TMPDIR:-/tmp} 2>&1 | sed 's/.*: //'; " +
      "node -e 'fs.mkdirSync(\"/usr/bin\", {recursive: true})'",
    ],
  },
  {
    policy: "default",
    what: "a program of the working directory",
    needs: [],
    argv: ["sh", "-c", "./greet"],
    files: { greet: "#!/bin/sh\necho hello from $0\n" },
  },
  {
    policy: "readonly",
    what: "find and grep over the system",
    needs: [],
    argv: [
      "sh",
      "-c",
      "find /usr/bin /var/lib/dpkg | sort | sha256sum; grep -rc root /etc/passwd",
    ],
  },
  {
    policy: "build",
    what: "what it has made in its temporary directory, there and moved here",
    needs: ["perl"],
    argv: [
      "sh",
      "-c",
      'made=$(mktemp -d); cp greet "$made"; "$made/greet"; ' +
      "perl -e 'rename $ARGV[0], $ARGV[1] or print \"$!\\n\"' " +
      '"$made/greet" moved; ./moved; rm -r "$made"',
    ],
    files: { greet: "#!/bin/sh\necho hello\n" },
  },
  {
    policy: "build",
    what: "make -j4 and gcc",
    needs: ["gcc", "make"],
    argv: ["sh", "-c", "make -s -j4 && ./prog"],
    files: project(),
    makes: ["prog", "f7.o"],
  },
  {
    policy: "build",
    what: "sqlite3 on a database of its own",
    needs: ["sqlite3"],
    argv: [
      "sqlite3",
      "data",
      "create table t(x); insert into t values (1), (2); select sum(x) from t;",
    ],
    makes: ["data"],
  },
  {
    policy: "build",
    what: "ssh-keygen for a key of its own",
    needs: ["ssh-keygen"],
    argv: [
      "sh",
      "-c",
      "ssh-keygen -q -t ed25519 -N '' -C us -f key && ssh-keygen -lf key.pub | cut -d' ' -f 1,3-",
    ],
  },
  {
    policy: "python",
    what: "a script with twenty imports",
    needs: ["python3"],
    argv: ["/usr/bin/python3", "imports.py"],
    files: { "imports.py": await ours("imports.py") },
  },
  {
    policy: "python",
    what: "a script that names its interpreter",
    needs: ["python3"],
    argv: ["./x"],
    files: { x: "#!/usr/bin/env python3\nprint(6 * 7)\n" },
  },
  {
    policy: "node",
    what: "node -e",
    needs: ["node"],
    argv: ["node", "-e", "console.log([1, 2].map((x) => x * 2))"],
  },
  {
    policy: "node",
    what: "node with a module, a worker and a file",
    needs: ["node"],
    argv: ["node", "main.mjs"],
    files: {
      "main.mjs": `import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
console.log(readFileSync("main.mjs").length);
new Worker("console.log('from a worker')", { eval: true });
`,
    },
  },
  {
    policy: "git",
    what: "a day with git",
    needs: ["git"],
    argv: ["sh", "use_git.sh"],
    files: { "use_git.sh": await ours("use_git.sh") },
  },
  {
    policy: "git",
    what: "git with settings that include some at home",
    needs: ["git"],
    argv: ["git", "-c", "include.path=/home/none/.gitconfig", "init", "-q"],
  },
  {
    policy: "agent",
    what: "an hour in a shell",
    needs: ["bash", "git", "perl"],
    argv: ["bash", "work.sh"],
    files: {
      "work.sh": await ours("work.sh"),
      "notes": "one\ntwo\n",
      ".gitignore": ".env\n",
    },
    before: "git init -q && git add . && " +
      "git -c user.name=a -c user.email=a@example.org commit -qm one",
  },
  {
    policy: "agent",
    what: "gcc, make, python3 and node",
    needs: ["gcc", "make", "python3", "node"],
    argv: [
      "sh",
      "-c",
      "make -s -j4 && ./prog && python3 -c 'print(1)' && node -p 2",
    ],
    files: project(),
    makes: ["prog"],
  },
  {
    policy: "ls",
    what: "ls -lR in colour",
    needs: [],
    argv: ["ls", "-lR", "--color", "."],
    files: { notes: "x", run: "#!/bin/sh\n" },
    before: "mkdir d && ln -s notes d/link && touch -h -d 1998-07-24 d/* d *",
  },
  {
    policy: "gs",
    what: "a page with a font, curves and colour",
    needs: ["gs"],
    argv: ["gs", "-sDEVICE=png16m", "-r72", "-o", "out/page.png", "page.ps"],
    files: { "page.ps": page },
    before: "mkdir -m 777 out",
    makes: ["out/page.png"],
  },
  {
    policy: "./workers.yaml",
    what: "Python's managers and its fork server",
    needs: ["python3"],
    argv: ["/usr/bin/python3", "workers.py"],
    files: {
      // As build and agent tell their readers to.
      "workers.yaml": `extends: build
read: [/dev/shm]
write: {allow: [/dev/shm], deny: ["\${cwd}/workers.yaml"]}
net: {connect: ["unix:\${tmp}"], listen: ["unix:\${tmp}"]}
`,
      "workers.py": `import multiprocessing as mp
if __name__ == "__main__":
  context = mp.get_context("forkserver")
  with context.Manager() as manager, context.Pool(2) as pool:
    print(manager.list(pool.map(abs, [-1, 2, -3])))
`,
    },
  },
];

/** What of an end can be compared. */
function seen({ code, stdout, stderr }: Ended): unknown {
  return { code, stdout, stderr };
}

for (const engine of ENGINES) {
  for (const { policy, what, argv, files, makes, before, ...one } of WORK) {
    const name = `-p ${policy} (${engine}) runs ${what} as it is outside`;
    Deno.test({
      ...needs(one.needs, name),
      fn: async () => {
        await using inside = await place(files, before);
        await using beside = await place(files, before);
        const there = await outside(argv, beside.path);
        const here = await jail(["-p", policy], argv, {
          cwd: inside.path,
          env: ENV,
          engine,
        });
        assertEquals(seen(here), seen(there));
        for (const file of makes ?? []) {
          assertEquals(
            await Deno.readFile(`${inside.path}/${file}`),
            await Deno.readFile(`${beside.path}/${file}`),
            file,
          );
        }
      },
    });
  }
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["gcc", "make"],
      `the README's policy (${engine}) builds a project, and runs what it made`,
    ),
    fn: async () => {
      const readme = await Deno.readTextFile(
        new URL("../README.md", import.meta.url),
      );
      const policy = /```yaml\n(description: Build [^`]+)```/.exec(readme)?.[1];
      await using directory = await place({
        "jail.yaml": policy ?? "",
        "Makefile": "build/x: x.c\n\tgcc -o $@ x.c\n\t$@\n\ttouch made\n",
        "x.c": 'int puts(const char *);\nint main(void) { puts("ran"); }\n',
      }, "mkdir build");
      const { stdout, stderr } = await jail(
        ["-p", "jail.yaml"],
        ["make", "-s"],
        { cwd: directory.path, env: ENV, engine },
      );
      assertEquals(stdout, "ran\n", stderr);
      assertStringIncludes(stderr, "cannot touch 'made': Permission denied");
    },
  });
}
