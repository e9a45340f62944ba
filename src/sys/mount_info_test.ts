import { assertEquals } from "@std/assert";
import { mountsIn, placeOf } from "./mount_info.ts";

const TEXT = `22 28 0:20 / /proc rw,relatime shared:5 - proc proc rw
28 1 8:1 / / rw - ext4 /dev/sda1 rw
30 28 8:1 /a\\040b /mnt/c\\134d rw master:1 - ext4 /dev/sda1 rw
31 30 0:44 / /mnt/c\\134d/deep rw - tmpfs tmpfs rw
32 28 0:45 / outside rw - tmpfs tmpfs rw
`;

const MOUNTS = mountsIn(TEXT, (name) => name);

Deno.test("mountsIn() tells what is mounted, and where", () => {
  assertEquals(
    MOUNTS.map(({ id, on, device, root, point, type, options }) =>
      [id, on, device, root, point, type, options].join(" ")
    ),
    [
      "22 28 0:20 / /proc proc rw",
      "28 1 8:1 / / ext4 rw",
      "30 28 8:1 /a b /mnt/c\\d ext4 rw",
      "31 30 0:44 / /mnt/c\\d/deep tmpfs rw",
      "32 28 0:45 / outside tmpfs rw",
    ],
  );
});

Deno.test("mountsIn() says where by the program's names", () => {
  const names = mountsIn(TEXT, (name) => `/root${name}`);
  assertEquals(names[0]?.point, "/root/proc");
});

Deno.test("mountsIn() finds nothing in what it does not understand", () => {
  for (const text of ["", "\n", "1 2 3:4 / /x rw", "1 2 - proc proc rw"]) {
    assertEquals(mountsIn(text, (name) => name), [], text);
  }
});

/** Where mounts are, and what lies over what has their names. */
const PLACES = [
  ["28", "/", "/proc /mnt/c\\d /mnt/c\\d/deep"],
  ["30", "/mnt/c\\d", "/proc /mnt/c\\d/deep"],
  ["31", "/mnt/c\\d/deep", "/proc"],
  ["32", "/", "/proc /mnt/c\\d /mnt/c\\d/deep"],
] as const;

for (const [id, point, over] of PLACES) {
  Deno.test(`placeOf() tells what lies over mount ${id}, but what it is on`, () => {
    const place = placeOf(MOUNTS, id);
    assertEquals([place?.point, [...place?.over ?? []].join(" ")], [
      point,
      over,
    ]);
  });
}

Deno.test("placeOf() finds no mount that is not there", () => {
  assertEquals(placeOf(MOUNTS, "29"), undefined);
});
