import { assertEquals } from "@std/assert";
import { accessModeText, openFlagsText } from "./flag_words.ts";

for (
  const [flags, text] of [
    [0, "O_RDONLY"],
    [0o1101, "O_WRONLY|O_CREAT|O_TRUNC"],
    [0o4501, "O_WRONLY|O_CREAT|O_NOCTTY|O_NONBLOCK"],
    [0o4010002, "O_RDWR|O_SYNC"],
    [0o10002, "O_RDWR|O_DSYNC"],
    [0o20200002, "O_RDWR|O_TMPFILE"],
    [0o12200000, "O_DIRECTORY|O_CLOEXEC|O_PATH"],
    [0x4000_0003, "O_ACCMODE|0x40000000"],
  ] as const
) {
  Deno.test(`openFlagsText() says ${text}`, () => {
    assertEquals(openFlagsText(flags), text);
  });
}

Deno.test("accessModeText() says what is asked for", () => {
  const modes = [0, 1, 6, 8].map(accessModeText);
  assertEquals(modes, ["F_OK", "X_OK", "R_OK|W_OK", "0x8"]);
});
