import { assertEquals, assertNotEquals } from "@std/assert";
import { fromBytes } from "../../abi/bytes.ts";
import { get } from "../../abi/layout.ts";
import {
  MOUNT_ATTR,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_RDONLY,
  MS_PRIVATE,
} from "../../abi/mount.ts";
import { mountSteps } from "./root_steps.ts";
import type { Step } from "./steps.ts";

/** What the machine of these tests has not. */
const ABSENT = /^\/(?:dev\/full|proc\/(?!sys$|irq$).*)$/;

function stepsWith(directories: readonly string[]): string[] {
  return mountSteps("/srv/box", "/tmp", "jail-1", {
    has: (name) => directories.includes(name),
    isHere: (path) => !ABSENT.test(path),
  }).map(spell);
}

const ATTRIBUTES: Readonly<Record<number, string>> = {
  [MOUNT_ATTR_NODEV]: "without devices",
  [MOUNT_ATTR_RDONLY]: "to be read",
};

/** A call as a person reads it, without flags and modes. */
function spell({ call, args }: Step): string {
  const texts = args.flatMap((arg) =>
    typeof arg === "number" || arg[0] === 0
      ? []
      : arg.length === MOUNT_ATTR.size
      ? [ATTRIBUTES[get(MOUNT_ATTR, arg, "attr_set")]]
      : [fromBytes(arg, 0, arg.indexOf(0))]
  );
  return [call, ...texts].join(" ");
}

const PROC = [
  "mount proc /proc",
  "mount proc/irq /proc/irq",
  "mount_setattr /proc/irq to be read",
  "mount proc/sys /proc/sys",
  "mount_setattr /proc/sys to be read",
];

const OWN = [
  "mount /",
  "mount jail /tmp tmpfs mode=755",
  "mkdirat /tmp/jail-1",
  "mount /srv/box /tmp/jail-1",
  "mount_setattr /tmp/jail-1 without devices",
  "chdir /",
  "chroot /tmp/jail-1",
];

Deno.test("mountSteps() keeps mounts to itself before it makes one", () => {
  const [first] = mountSteps("/srv/box", "/tmp", "jail-1", {
    has: () => true,
    isHere: () => true,
  });
  assertEquals(first?.call, "mount");
  assertNotEquals(Number(first?.args[3]) & MS_PRIVATE, 0);
});

Deno.test("mountSteps() mounts nothing where there is no directory for it", () => {
  assertEquals(stepsWith([]), OWN);
  assertEquals(stepsWith(["proc"]), [...OWN, ...PROC]);
});

Deno.test("mountSteps() takes from the machine by relative paths, once it is in the root, to be read alone", () => {
  const steps = stepsWith(["proc", "sys", "dev"]);
  assertEquals(steps.slice(0, OWN.length), OWN);
  assertEquals(steps.slice(OWN.length), [
    ...PROC,
    "mount sys /sys",
    "mount_setattr /sys to be read",
    "mount jail /dev tmpfs mode=755",
    "mkdirat /dev/pts",
    "mount dev/pts /dev/pts",
    ...["null", "random", "tty", "urandom", "zero"].flatMap((name) => [
      `mknodat /dev/${name}`,
      `mount dev/${name} /dev/${name}`,
    ]),
    "mkdirat /dev/shm",
    "fchmodat /dev/shm",
    "symlinkat pts/ptmx /dev/ptmx",
    "symlinkat /proc/self/fd /dev/fd",
    "symlinkat /proc/self/fd/0 /dev/stdin",
    "symlinkat /proc/self/fd/1 /dev/stdout",
    "symlinkat /proc/self/fd/2 /dev/stderr",
  ]);
});
