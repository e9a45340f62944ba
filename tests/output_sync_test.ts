/** The library where it blocks: outputSync(). */

import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { toCString } from "../src/abi/bytes.ts";
import { O_CLOEXEC, O_RDONLY } from "../src/abi/fcntl.ts";
import { readAvailable } from "../src/jail/output_sync.ts";
import { Jail, LaunchError, PolicyError } from "../src/mod.ts";
import { close, open } from "../src/sys/files.ts";
import { scratch } from "./jail.ts";
import { needs } from "./needs.ts";

const JAIL = new Jail("default");

// What stays open for all jails is opened here, not in the first test.
JAIL.command("true").outputSync();

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

Deno.test("outputSync() gives the same as output()", async () => {
  const command = JAIL.command("sh", {
    args: ["-c", "echo out; echo err >&2; cat /etc/shadow 2>&-; exit 3"],
  });
  const { usage: _, denials, ...now } = command.outputSync();
  const { usage: __, denials: theirs, ...later } = await command.output();
  assertEquals(now, later);
  assertEquals([text(now.stdout), text(now.stderr)], ["out\n", "err\n"]);
  assertEquals(
    denials.map(({ text, rule }) => [text, rule.source]),
    theirs.map(({ text, rule }) => [text, rule.source]),
  );
  assertStringIncludes(denials.map(({ text }) => text).join(), "/etc/shadow");
});

Deno.test("outputSync() blocks the thread until the end", async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  try {
    assert(JAIL.command("sleep", { args: ["0.1"] }).outputSync().success);
    assertEquals(ticks, 0);
    while (ticks === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  } finally {
    clearInterval(timer);
  }
});

Deno.test("outputSync() takes more from both outputs than pipes hold", () => {
  const { stdout, stderr } = JAIL.command("sh", {
    args: ["-c", "head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2"],
  }).outputSync();
  assertEquals([stdout.length, stderr.length], [3_000_000, 2_000_000]);
});

Deno.test("outputSync() hears of more denials than a pipe holds", () => {
  const name = "x".repeat(150);
  const { denials, denied } = JAIL.command("sh", {
    args: ["-c", `for i in $(seq 1200); do true >$i-${name}; done 2>/dev/null`],
  }).outputSync();
  assertEquals(denials.length, 1000);
  assert(denied >= 1200, `${denied} denied`);
});

Deno.test("outputSync() throws what output() would be rejected with", async () => {
  const missing = assertThrows(
    () => JAIL.command("no-such").outputSync(),
    LaunchError,
  );
  assertEquals([missing.errno, missing.exitCode], ["ENOENT", 127]);
  await using directory = await scratch();
  const file = await directory.file("p.yaml", "wirte: [/tmp]\n");
  const wrong = assertThrows(
    () => new Jail(file).command("true").outputSync(),
    PolicyError,
  );
  assertEquals([wrong.position?.line, wrong.hint], [
    1,
    'did you mean "write"?',
  ]);
  assertThrows(
    () => JAIL.command("cat", { stdin: "piped" }).outputSync(),
    TypeError,
    "use spawn()",
  );
});

Deno.test("outputSync() holds to limits, and runs nothing for a signal that is aborted", () => {
  const args = ["60"];
  const late = JAIL.command("sleep", { args, limits: { time: 50 } });
  assertEquals(late.outputSync().code, 124);
  const signal = AbortSignal.abort();
  const { outcome, usage } = JAIL.command("sleep", { args, signal })
    .outputSync();
  assertEquals([outcome.kind, usage.stops], ["signaled", 0]);
});

Deno.test("outputSync() leaves nothing open", async () => {
  const count = (): number => [...Deno.readDirSync("/proc/self/fd")].length;
  const before = count();
  for (let i = 0; i < 5; i++) JAIL.command("true").outputSync();
  assertThrows(() => JAIL.command("no-such").outputSync());
  // The threads of Workers close what is theirs a moment later.
  for (let tries = 0; tries < 250 && count() > before; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert(count() <= before, `${count()} descriptors, and ${before} before`);
});

Deno.test("outputSync() fails before long where its Worker may not be read", async () => {
  await using directory = await scratch();
  const file = await directory.file(
    "script.ts",
    `import { Jail } from "${new URL("../src/mod.ts", import.meta.url)}";
    new Jail("default").command("true").outputSync();`,
  );
  const { stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-check", "--no-prompt", "--allow-ffi", "--allow-env"],
      `--config=${new URL("../deno.json", import.meta.url).pathname}`,
      file,
    ],
    stdin: "null",
    signal: AbortSignal.timeout(20_000),
  }).output();
  assertStringIncludes(text(stderr), "traces: it does not answer");
});

Deno.test("outputSync() hears of denials, and of the end, beside a program that writes without a pause", () => {
  // It never comes to an end, as a pipe that is always filled again.
  const fd = open(toCString("/dev/zero"), O_RDONLY | O_CLOEXEC);
  try {
    let bytes = 0;
    for (const chunk of readAvailable(fd)) {
      bytes += chunk.length;
      if (bytes > 8 << 20) break;
    }
    assertEquals(bytes, 1 << 20);
  } finally {
    close(fd);
  }
});

/** Puts all into a pipe that it has room for, which is more than jail makes it. */
const FILLS = `
import fcntl, os
fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 1 << 20)
os.set_blocking(1, False)
size = 0
try:
    while True: size += os.write(1, bytes(1 << 15))
except BlockingIOError: pass
os.write(2, str(size).encode())
os._exit(0)`;

Deno.test({
  ...needs(
    ["python3"],
    "outputSync() loses nothing that a program left in its pipes",
  ),
  fn: () => {
    for (let turn = 0; turn < 3; turn++) {
      const args = ["-c", FILLS];
      const program = JAIL.command("/usr/bin/python3", { args });
      const { stdout, stderr } = program.outputSync();
      assertEquals(`${stdout.length}`, text(stderr));
    }
  },
});
