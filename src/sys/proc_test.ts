import { assertEquals } from "@std/assert";
import { fromBytes, fromText, toText } from "../abi/bytes.ts";
import { libc } from "./libc.ts";
import { original, workingDirectory } from "./proc.ts";

// Opened outside of a test, in which Deno 2.4 would call it a leak.
libc.__errno_location();

/** What a script prints that a shell starts in another Deno. */
function inShell(script: string, code: string): string {
  const imports = ["proc.ts", "origin.ts"].map((file) =>
    `import * as ${file.slice(0, -3)} from "${
      import.meta.resolve(`./${file}`)
    }";`
  ).join("\n");
  const file = Deno.makeTempFileSync({ suffix: ".ts" });
  try {
    Deno.writeTextFileSync(file, `${imports}\n${code}`);
    // A comment after it keeps the shell from making way by exec.
    const result = new Deno.Command("/bin/bash", {
      args: ["-c", `${script}; exit 0`],
      env: { DENO: Deno.execPath(), FILE: file, NO_COLOR: "1" },
      stderr: "inherit",
    }).outputSync();
    return fromBytes(result.stdout).trim();
  } finally {
    Deno.removeSync(file);
  }
}

// Deno 2.4 refuses such an argument before any of our code runs.
const takesAnyBytes = new Deno.Command("/bin/bash", {
  args: ["-c", `exec "$DENO" run - $'\\xff' </dev/null`],
  env: { DENO: Deno.execPath() },
  stdout: "null",
  stderr: "null",
}).outputSync().success;

for (
  const c of [
    {
      ignore: false,
      words: "'' é -- $'a\\nb'",
      wanted: ["", "Ã©", "--", "a\nb"],
    },
    { ignore: !takesAnyBytes, words: "$'\\xff\\xfe'", wanted: ["ÿþ"] },
  ]
) {
  Deno.test({
    name: `ownArguments() has the arguments byte for byte: ${c.words}${
      c.ignore
        ? " (skipped: this Deno refuses arguments that are not UTF-8)"
        : ""
    }`,
    ignore: c.ignore,
    fn(): void {
      const text = inShell(
        `"$DENO" run -A "$FILE" ${c.words}`,
        "console.log(JSON.stringify(proc.ownArguments(Deno.args.length)))",
      );
      // Byte strings print as Latin-1 text in UTF-8.
      assertEquals(JSON.parse(toText(text) as string), c.wanted);
    },
  });
}

Deno.test("ownArguments() of none is none", () => {
  assertEquals(
    inShell(
      '"$DENO" run -A "$FILE"',
      "console.log(proc.ownArguments(Deno.args.length).length)",
    ),
    "0",
  );
});

Deno.test("ownEnvironment() has the environment byte for byte", () => {
  assertEquals(
    inShell(
      `X=$'\\xff' "$DENO" run -A "$FILE"`,
      `console.log(proc.ownEnvironment().includes("X=\\xff"))`,
    ),
    "true",
  );
});

Deno.test("workingDirectory() is where Deno is", () => {
  assertEquals(workingDirectory(), fromText(Deno.cwd()));
});

Deno.test("originalOpenFiles() finds the limit that Deno has raised", () => {
  const code = `const { soft, hard } = origin.originalOpenFiles();
    console.log(soft, hard > soft)`;
  assertEquals(
    inShell('ulimit -S -n 77; "$DENO" run -A "$FILE"', code),
    "77 true",
  );
});

Deno.test("isIgnoredByShell() tells whether the shell ignores SIGPIPE", () => {
  const code = "console.log(origin.isIgnoredByShell(13))";
  assertEquals(
    inShell(`trap '' PIPE; "$DENO" run -A "$FILE"`, code),
    "true",
  );
  assertEquals(inShell('"$DENO" run -A "$FILE"', code), "false");
});

Deno.test("original() has the bytes of what was passed on as text, as far as it is the same", () => {
  const text = fromText("\ufffd");
  assertEquals(original(["x", text, "y"], ["task", "x", "\xff", "y"]), [
    ...["x", "\xff", "y"],
  ]);
  // What stands before was made by somebody else.
  assertEquals(original([text, "y"], ["\xff", "z", "y"]), [text, "y"]);
  assertEquals(original([text], []), [text]);
  assertEquals(original([text], [text]), [text]);
});
