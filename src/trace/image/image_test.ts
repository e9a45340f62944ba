import { assertEquals } from "@std/assert";
import { interpreterArguments, scriptLine } from "./image.ts";

// As load_script() in the kernel's fs/binfmt_script.c reads them.
const LINES: readonly (readonly [string, string | undefined, string?])[] = [
  ["#!/bin/sh\n", "/bin/sh"],
  ["#!/bin/sh", "/bin/sh"],
  ["#! \t/bin/sh \t\n", "/bin/sh"],
  ["#!/bin/sh -e\nexit", "/bin/sh", "-e"],
  ["#!/bin/sh \t -e  -x \t\n", "/bin/sh", "-e  -x"],
  ["#!/bin/sh -e\r\n", "/bin/sh", "-e\r"],
  ["#!/bin/sh\0-e\n", "/bin/sh"],
  ["#!/bin/sh -e\0-x\n", "/bin/sh", "-e"],
  ["#!/bin/sh ", "/bin/sh", ""],
  ["#!/bin/sh -e ", "/bin/sh", "-e "],
  ["#!relative/sh\n", "relative/sh"],
  ["#!\n/bin/sh", undefined],
  ["#! \t\n", undefined],
  ["#!", undefined],
  [`#!/${"x".repeat(253)}`, undefined],
  [`#!/${"x".repeat(251)} y`, `/${"x".repeat(251)}`],
  [`#!/${"x".repeat(250)} yz`, `/${"x".repeat(250)}`, "y"],
];

for (const [line, interpreter, argument] of LINES) {
  const shown = JSON.stringify(line.replace(/x{9,}/, "xx…"));
  Deno.test(`scriptLine() finds ${interpreter?.slice(0, 12) ?? "nothing"} in ${shown}`, () => {
    assertEquals(
      scriptLine(line),
      interpreter === undefined ? undefined : { interpreter, argument },
    );
  });
}

Deno.test("interpreterArguments() puts what the kernel puts before a script", () => {
  const sh = { interpreter: "/bin/sh", argument: "-e" };
  const own = { interpreter: "./own", argument: undefined };
  const argv = ["name", "a", "b"];
  assertEquals(interpreterArguments([], "./s", argv), argv);
  assertEquals(interpreterArguments([sh], "./s", argv), [
    "/bin/sh",
    "-e",
    "./s",
    "a",
    "b",
  ]);
  assertEquals(interpreterArguments([own, sh], "./s", argv), [
    "/bin/sh",
    "-e",
    "./own",
    "./s",
    "a",
    "b",
  ]);
});
