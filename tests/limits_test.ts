/** A program that uses more than its limits is ended or refused, soon, and with all that it started. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { ENGINES, jail } from "./harness.ts";
import { scratch } from "./jail.ts";

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) limits open files and the size of a file, and nobody raises that`, async () => {
    await using directory = await scratch();
    const policy =
      `{extends: allow-all, limits: {open-files: 20, file-size: 100KiB}}`;
    const script = `ulimit -n; ulimit -f
      ulimit -n 4096 || echo no; ulimit -Hf 4096 || echo no; ulimit -n 10
      (ulimit -n; head -c 200000 /dev/zero > big)
      echo $?; stat -c %s big`;
    const ended = await jail(policy, ["bash", "-c", script], {
      engine,
      cwd: directory.path,
    });
    assertEquals(
      ended.stdout.split("\n"),
      ["20", "100", "no", "no", "10", String(128 + 25), "102400", ""],
    );
    assertStringIncludes(ended.stderr, "File size limit exceeded");
  });
}
