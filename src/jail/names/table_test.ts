import { assert, assertEquals } from "@std/assert";
import { type NameQuestion, NameTable } from "./table.ts";

const MINUTE = 60_000;
const four = (i: number): number[] => [10, 0, i >> 8, i & 0xff];

Deno.test("NameTable tells another thread's view of it the names of an address", () => {
  const table = new NameTable();
  const other = new NameTable(table.memory);
  const six = [...Array<number>(15).fill(0), 1];
  table.learn("a.org", four(1), 60, 0);
  table.learn("b.org", four(1), 60, 0);
  table.learn("six.org", six, 60, 0);
  table.learn("a".repeat(253), four(2), 60, 0);
  assertEquals(other.namesOf(four(1), 0), ["a.org", "b.org"]);
  assertEquals(other.namesOf(six, 0), ["six.org"]);
  assertEquals(other.namesOf(four(2), 0), ["a".repeat(253)]);
  assertEquals(other.namesOf(four(3), 0), []);
});

Deno.test("NameTable keeps an address as long as its answer says, but five minutes at least", () => {
  const table = new NameTable();
  table.learn("short.org", four(1), 0, 0);
  table.learn("long.org", four(2), 3600, 0);
  table.learn("endless.org", four(3), 2 ** 31 - 1, 0);
  const seen = (now: number): number =>
    [1, 2, 3].filter((i) => table.namesOf(four(i), now).length > 0).length;
  assertEquals(seen(5 * MINUTE - 1), 3);
  assertEquals(seen(5 * MINUTE), 2);
  assertEquals(seen(60 * MINUTE), 1);
  assertEquals(seen(24 * 60 * MINUTE), 0);
});

Deno.test("NameTable takes no more than it has room for, and keeps what is young", () => {
  const table = new NameTable();
  for (let i = 0; i < 4096; i++) {
    assertEquals(table.learn("a.org", four(i), 86_400, i), true);
  }
  assertEquals(table.learn("b.org", four(5000), 60, 5 * MINUTE), false);
  assertEquals(table.learn("a.org", four(7), 60, 5 * MINUTE), true);
  assertEquals(table.namesOf(four(0), 5 * MINUTE), ["a.org"]);
  // The oldest one has been kept for long enough.
  assertEquals(table.learn("b.org", four(5000), 60, 5 * MINUTE + 1), true);
  assertEquals(table.namesOf(four(0), 5 * MINUTE + 1), []);
  assertEquals(table.namesOf(four(1), 5 * MINUTE + 1), ["a.org"]);
  assertEquals(table.namesOf(four(5000), 5 * MINUTE + 1), ["b.org"]);
});

Deno.test("NameTable takes no longer for an address where it knows thousands of long names", () => {
  const table = new NameTable();
  const long = "a".repeat(200);
  for (let i = 0; i < 4096; i++) {
    table.learn(`${long}${1000 + i}`, four(1), 0, 0);
  }
  const start = performance.now();
  // All of an answer of 64 KiB.
  for (let i = 0; i < 4096; i++) table.learn(`${long}5095`, four(1), 0, 0);
  const took = performance.now() - start;
  assert(took < 1000, `${took} ms`);
  assertEquals(table.namesOf(four(1), 0).length, 4096);
});

Deno.test("NameTable lets each question be heard of once, and loses none", () => {
  const table = new NameTable();
  const other = new NameTable(table.memory);
  const question = (i: number): NameQuestion => ({
    ...{ name: `n${i}.org`, type: i, resolver: i % 3 },
  });
  let asked = 0;
  let heard = 0;
  for (let round = 0; round < 3; round++) {
    while (table.ask(question(asked))) asked++;
    assertEquals(asked - heard, 256);
    while (other.hear((q) => assertEquals(q, question(heard++))));
    assertEquals(heard, asked);
  }
});

Deno.test("NameTable tells once why it is over", () => {
  const table = new NameTable();
  assertEquals([table.stopped, table.failed], [false, false]);
  table.fail();
  table.stop();
  assertEquals([table.stopped, table.failed], [true, true]);
});

Deno.test("NameTable tells names while the other thread takes note of some all the time", async () => {
  const table = new NameTable();
  for (let i = 0; i < 4096; i++) {
    table.learn(`${"n".repeat(200)}${i}`, four(1), 60, 0);
  }
  const state = new Int32Array(new SharedArrayBuffer(4));
  const [BEGUN, OVER] = [1, 2];
  const source = `
    import { NameTable } from "${import.meta.resolve("./table.ts")}";
    self.onmessage = ({ data: [memory, state] }) => {
      const table = new NameTable(memory);
      const end = performance.now() + 5000;
      Atomics.store(state, 0, ${BEGUN});
      Atomics.notify(state, 0);
      while (!table.stopped && performance.now() < end) {
        table.learn("n".repeat(200) + "0", [10, 0, 0, 1], 60, 0);
      }
      Atomics.store(state, 0, ${OVER});
    };
    self.postMessage("loaded");`;
  const url = `data:text/javascript,${encodeURIComponent(source)}`;
  const worker = new Worker(url, { type: "module" });
  await new Promise((loaded) => worker.onmessage = loaded);
  worker.postMessage([table.memory, state]);
  Atomics.wait(state, 0, 0);
  const { length } = table.namesOf(four(1), 0);
  const [now] = state;
  table.stop();
  worker.terminate();
  assertEquals([length, now], [4096, BEGUN]);
});
