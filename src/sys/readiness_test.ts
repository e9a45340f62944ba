import { assertEquals } from "@std/assert";

/** Waits for a pipe with room for so many descriptors, and tells what is left open. */
const SCRIPT = `
  import { openNull, openPipe } from "${import.meta.resolve("./pipe.ts")}";
  import { close } from "${import.meta.resolve("./files.ts")}";
  import { ready } from "${import.meta.resolve("./readiness.ts")}";
  const { own } = openPipe(true);
  const room = Number(Deno.args[0]);
  const filling = [];
  try {
    for (;;) filling.push(openNull());
  } catch {}
  for (let i = 0; i < room; i++) close(filling.pop());
  const count = () => [...Deno.readDirSync("/proc/self/fd")].length;
  const failed = [];
  close(filling.pop());
  const before = count();
  filling.push(openNull());
  for (let i = 0; i < 5; i++) {
    try {
      await ready(own, 1);
    } catch (error) {
      failed.push(error.message.replace(/:.*/s, ""));
    }
  }
  close(filling.pop());
  console.log(count() - before, ...new Set(failed));
  Deno.exit();
`;

for (const room of [0, 1]) {
  Deno.test(`ready() leaves nothing open where there is room for ${room} descriptors`, async () => {
    const url = `data:text/javascript,${encodeURIComponent(SCRIPT)}`;
    const { stdout, stderr } = await new Deno.Command("sh", {
      args: [
        ...["-c", 'ulimit -n 100; exec "$@"', "sh", Deno.execPath()],
        ...["run", "-A", "--no-check", url, `${room}`],
      ],
    }).output();
    const text = new TextDecoder();
    assertEquals(text.decode(stderr), "");
    assertEquals(
      text.decode(stdout),
      `0 Cannot ${room === 0 ? "wait for an end" : "watch a pipe"}\n`,
    );
  });
}
