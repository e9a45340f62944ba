import { assertEquals } from "@std/assert";
import { close } from "../../sys/files.ts";
import { bindTo, boundAddress, type InetAddress } from "../../sys/inet.ts";
import { LOOPBACK, openDoors } from "./doors.ts";

const ANY: InetAddress = { address: LOOPBACK, port: 0, scope: 0 };

Deno.test("openDoors() finds ports that are free for both, however many are not", () => {
  const open = [...Deno.readDirSync("/proc/self/fd")].length;
  // Of the ports that the kernel chooses of, one in ten or more.
  const taken: number[] = [];
  for (let i = 0; i < 4000; i++) {
    const fd = bindTo("stream", ANY);
    if (fd < 0) break;
    taken.push(fd);
  }
  // Where no more may be open, there has to be room for the doors.
  taken.splice(-300).forEach(close);
  try {
    const doors = openDoors(Array<InetAddress>(100).fill(ANY), []);
    for (const { at, datagrams, listener } of doors) {
      assertEquals(boundAddress(listener), at);
      assertEquals(boundAddress(datagrams), at);
      close(datagrams);
      close(listener);
    }
  } finally {
    taken.forEach(close);
  }
  assertEquals([...Deno.readDirSync("/proc/self/fd")].length, open);
});
