/** Tests of bytes.ts. */

import { assertEquals, assertNotMatch } from "@std/assert";
import {
  escapeText,
  fromBytes,
  fromText,
  printable,
  toBytes,
  toCString,
  toText,
} from "./bytes.ts";

const ALL = Uint8Array.from({ length: 256 }, (_, i) => i);

Deno.test("fromBytes() and toBytes() keep all 256 bytes", () => {
  assertEquals(toBytes(fromBytes(ALL)), ALL);
  assertEquals(fromBytes(ALL).length, 256);
});

Deno.test("fromBytes() takes a part, and more than one block", () => {
  assertEquals(fromBytes(fromHex("61 62 63 64"), 1, 3), "bc");
  const long = new Uint8Array(10_000).map((_, i) => i % 251);
  assertEquals(toBytes(fromBytes(long)), long);
  assertEquals(fromBytes(long, 4096, 4096), "");
});

Deno.test("toCString() ends in NUL", () => {
  assertEquals(toCString("a\xff"), fromHex("61 ff 00"));
  assertEquals(toCString(""), fromHex("00"));
});

Deno.test("fromText() is UTF-8, and toText() its inverse", () => {
  assertEquals(fromText("é"), "\xc3\xa9");
  for (const text of ["", "abc", "é", "日本", "🦕"]) {
    assertEquals(toText(fromText(text)), text);
  }
});

// Latin 1, overlong, surrogate, above U+10FFFF, cut short, lone continuation.
const INVALID: readonly string[] = [
  "\xe9",
  "\xc0\xaf",
  "\xe0\x80\xaf",
  "\xed\xa0\x80",
  "\xf4\x90\x80\x80",
  "\xf8\x88\x80\x80\x80",
  "\xe2\x82",
  "\x80",
  "\xff",
];
for (const name of INVALID) {
  const hex = [...toBytes(name)].map((b) => b.toString(16)).join(" ");
  Deno.test(`toText() has no text for ${hex}, and printable() shows it`, () => {
    assertEquals(toText(name), undefined);
    const escaped = [...toBytes(name)].map((b) => `\\x${b.toString(16)}`);
    assertEquals(printable(`a${name}b`), `"a${escaped.join("")}b"`);
  });
}

const SHOWN: readonly [shown: string, name: string][] = [
  ['""', ""],
  ['"/usr/bin/ls"', "/usr/bin/ls"],
  ['"日本 é 🦕"', fromText("日本 é 🦕")],
  [String.raw`"a\nb\tc\rd"`, "a\nb\tc\rd"],
  [String.raw`"\x1b[2J"`, "\x1b[2J"],
  [String.raw`"\x00\x7f"`, "\0\x7f"],
  [String.raw`"say \"hi\" \\ now"`, 'say "hi" \\ now'],
  // C1, where it is valid UTF-8 and where it is a byte alone.
  [String.raw`"\x9b"`, fromText("\u009b")],
  [String.raw`"\x9b"`, "\x9b"],
  // Right-to-left override, isolates, zero width, BOM, tag characters.
  [String.raw`"\u{202e}gpj.exe"`, fromText("\u202egpj.exe")],
  [String.raw`"\u{2066}\u{2069}"`, fromText("\u2066\u2069")],
  [String.raw`"a\u{200b}b\u{feff}"`, fromText("a\u200bb\ufeff")],
  [String.raw`"\u{2028}\u{2029}"`, fromText("\u2028\u2029")],
  [String.raw`"\u{e0041}"`, fromText("\u{e0041}")],
];
for (const [shown, name] of SHOWN) {
  Deno.test(`printable() shows ${shown}`, () => {
    assertEquals(printable(name), shown);
  });
}

Deno.test("printable() of any two bytes has nothing a terminal acts on", () => {
  for (let high = 0; high < 256; high++) {
    let name = "";
    for (let low = 0; low < 256; low++) name += String.fromCharCode(high, low);
    // deno-lint-ignore no-control-regex
    assertNotMatch(printable(name, Infinity), /[\x00-\x1f\x7f-\x9f\u202e]/);
  }
});

Deno.test("printable() tells apart what differs", () => {
  const seen = new Set<string>();
  for (let byte = 0; byte < 256; byte++) {
    seen.add(printable(String.fromCharCode(byte)));
  }
  assertEquals(seen.size, 256);
});

Deno.test("printable() cuts at the limit and counts the rest", () => {
  assertEquals(printable("abcdef", 4), '"abcd"… (2 bytes more)');
  assertEquals(printable("abcd", 4), '"abcd"');
});

Deno.test("escapeText() escapes without quotes around", () => {
  assertEquals(escapeText('a"\u0007\u{1f996}'), String.raw`a\"\x07🦖`);
});

function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.split(" "), (byte) => parseInt(byte, 16));
}
