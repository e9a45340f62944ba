import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromText, printable } from "../abi/bytes.ts";
import { callText, fileText, programText } from "./question.ts";

for (
  const [what, path, expected] of [
    ["as it is", "/home/me/a file", '"/home/me/a file"'],
    ["letters of all languages", "/é/ж/中", '"/é/ж/中"'],
    ["a row of spaces", "/a   b", '"/a\\x20\\x20\\x20b"'],
    ["other spaces", "/a\u00a0b\u3000c", '"/a\\xa0b\\u{3000}c"'],
    ["what looks empty", "/a\u2800\u3164", '"/a\\u{2800}\\u{3164}"'],
    ["frames of a question", "/┏ ⚠ x┗", '"/\\u{250f} \\u{26a0} x\\u{2517}"'],
    [
      "slashes that are none",
      "/a\u2044b\u2215c\u29f8d\uff0fe",
      '"/a\\u{2044}b\\u{2215}c\\u{29f8}d\\u{ff0f}e"',
    ],
    ["quotes", '/a"\u201d', '"/a\\"\\u{201d}"'],
    ["the mark of a cut", "/a… 3 more …", '"/a\\u{2026} 3 more \\u{2026}"'],
  ] as const
) {
  Deno.test(`a question shows a path with ${what}`, () => {
    assertEquals(fileText(fromText(path)), expected);
  });
}

for (const char of ["a", "中", "\u3000", "\x7f"]) {
  const code = char.charCodeAt(0).toString(16);
  Deno.test(`a question has few rows, however long a name of U+${code} is`, () => {
    const path = fromText(`/home/me/${char.repeat(1000)}/secret`);
    const question = `┏ ⚠️  ${programText(path)} requests write access to ${
      fileText(path)
    }.`;
    const columns = (text: string): number =>
      Array.from(text).reduce((sum, c) => sum + (c > "\x7f" ? 2 : 1), 0);
    assert(columns(question) <= 3 * 80, question);
    assert(columns(callText(`openat("${char.repeat(500)}")`)) <= 2 * 80);
    assertMatch(
      fileText(path),
      /^"\/home\/me\/.*" … \d+ more … ".*\/secret"$/,
    );
  });
}

Deno.test("a question shows a call as what it is", () => {
  assertEquals(
    callText('openat("a  b\u2215c", O_RDONLY)'),
    'openat("a\\x20\\x20b\\u{2215}c", O_RDONLY)',
  );
});

Deno.test("a question leaves out of a call what says nothing, and no name looks like that", () => {
  assertEquals(
    callText('execve("/a\\"\u2026, b", [\u2026], [\u2026])'),
    'execve("/a\\"\\u{2026}, b", [\u2026], [\u2026])',
  );
  assertEquals(
    callText(`openat(${printable("/a".repeat(200), 30)}, O_RDONLY)`),
    `openat("${"/a".repeat(15)}"\u2026 (370 bytes more), O_RDONLY)`,
  );
});
