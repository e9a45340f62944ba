import { assertEquals } from "@std/assert";
import { fromBytes, toBytes } from "../../abi/bytes.ts";
import { EFAULT, ENAMETOOLONG, ESRCH } from "../../abi/errno.ts";
import {
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  PAGE_SIZE,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
} from "../../abi/mman.ts";
import { addressOf } from "../address.ts";
import { close } from "../files.ts";
import { libc } from "../libc.ts";
import {
  readCString,
  readMemory,
  TraceeMemory,
  writeMemory,
} from "./memory.ts";
import { kill } from "./wait.ts";

// Opened outside of a test, in which Deno 2.4 would call it a leak.
libc.__errno_location();

const NOBODY = 2 ** 22 + 1; // above the largest pid that Linux gives

/** Two pages to use, and one that may not be touched. */
function pages(): number {
  const start = libc.mmap(
    0,
    3 * PAGE_SIZE,
    PROT_READ | PROT_WRITE,
    MAP_PRIVATE | MAP_ANONYMOUS,
    -1,
    0,
  ) as Deno.PointerObject;
  const last = Deno.UnsafePointer.offset(start, 2 * PAGE_SIZE);
  assertEquals(libc.mprotect(last, PAGE_SIZE, PROT_NONE), 0);
  return Number(Deno.UnsafePointer.value(start));
}

function put(address: number, text: string): void {
  const bytes = toBytes(text);
  assertEquals(
    writeMemory(Deno.pid, address, bytes, bytes.length),
    bytes.length,
  );
}

Deno.test("readCString() reads strings that begin and end anywhere in a page", () => {
  const start = pages();
  const into = new Uint8Array(2 * PAGE_SIZE);
  for (const length of [0, 1, 255, 256, 257, 4095]) {
    for (const gap of [0, 1, 255, 256, 257, 2000]) {
      const text = "x".repeat(length);
      const at = start + 2 * PAGE_SIZE - gap - length - 1;
      put(at, text + "\0");
      assertEquals(readCString(Deno.pid, at, into), length);
      assertEquals(fromBytes(into, 0, length), text);
    }
  }
});

Deno.test("readCString() fails with EFAULT where a string runs into no memory", () => {
  const start = pages();
  put(start + 2 * PAGE_SIZE - 300, "x".repeat(300));
  const into = new Uint8Array(PAGE_SIZE);
  const at = start + 2 * PAGE_SIZE - 300;
  assertEquals(readCString(Deno.pid, at, into), -EFAULT);
});

Deno.test("readCString() fails with ENAMETOOLONG where there is no NUL in time", () => {
  const start = pages();
  put(start, "x".repeat(PAGE_SIZE) + "\0");
  assertEquals(
    readCString(Deno.pid, start, new Uint8Array(PAGE_SIZE)),
    -ENAMETOOLONG,
  );
  assertEquals(
    readCString(Deno.pid, start, new Uint8Array(PAGE_SIZE + 1)),
    PAGE_SIZE,
  );
});

Deno.test("readCString() does not take an old NUL in the buffer for the string's", () => {
  const start = pages();
  put(start + 2 * PAGE_SIZE - 10, "x".repeat(10));
  assertEquals(
    readCString(Deno.pid, start + 2 * PAGE_SIZE - 10, new Uint8Array(100)),
    -EFAULT,
  );
});

Deno.test("readMemory() reads into a part of an array, and a small one", () => {
  const start = pages();
  put(start, "hello");
  const whole = new Uint8Array(8);
  assertEquals(readMemory(Deno.pid, start, whole.subarray(3), 5), 5);
  assertEquals(fromBytes(whole), "\0\0\0hello");
});

for (
  const c of [
    { name: "null", address: 0 },
    { name: "in the kernel", address: 2 ** 64 - 4096 },
    { name: "not exact", address: 2 ** 60 },
    { name: "negative", address: -8 },
    { name: "not a number", address: NaN },
  ]
) {
  Deno.test(`readMemory() and writeMemory() fail with EFAULT: ${c.name}`, () => {
    const bytes = new Uint8Array(8);
    assertEquals(readMemory(Deno.pid, c.address, bytes, 8), -EFAULT);
    using memory = new TraceeMemory();
    assertEquals(memory.write(Deno.pid, c.address, bytes, 8), -EFAULT);
  });
}

Deno.test("readMemory() tells by ESRCH that the process is gone", () => {
  assertEquals(readMemory(NOBODY, 4096, new Uint8Array(8), 8), -ESRCH);
});

Deno.test("writeMemory() writes where the process itself may only read", () => {
  const start = pages();
  const first = Deno.UnsafePointer.create(BigInt(start));
  libc.mprotect(first, PAGE_SIZE, PROT_READ);
  put(start, "written");
  const into = new Uint8Array(7);
  assertEquals(readMemory(Deno.pid, start, into, 7), 7);
  assertEquals(fromBytes(into), "written");
});

Deno.test("readMemory() reads nothing that the process itself may not", () => {
  const closed = pages() + 2 * PAGE_SIZE;
  const into = new Uint8Array(8);
  assertEquals(readMemory(Deno.pid, closed, into, 8), -EFAULT);
});

Deno.test("addressOf() finds arrays of every size, also after a collection", () => {
  const arrays = Array.from({ length: 100 }, (_, i) => {
    const bytes = new Uint8Array(i + 1);
    addressOf(bytes);
    return bytes;
  });
  // Enough garbage to make the collector move what can move.
  for (let i = 0; i < 100_000; i++) new Uint8Array(64);
  for (const bytes of arrays) {
    bytes.fill(bytes.length);
    const into = new Uint8Array(bytes.length);
    readMemory(Deno.pid, addressOf(bytes), into, into.length);
    assertEquals(into, bytes);
  }
});

Deno.test(" has the errno of the call that failed", () => {
  for (let i = 0; i < 10_000; i++) {
    const [call, errno] = i % 2 === 0
      ? [close(-1), 9] // EBADF
      : [kill(NOBODY, 0), ESRCH];
    if (call !== -errno) throw new Error(`${call} is not ${-errno}`);
  }
});
