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

/** A machine that has no /dev/full. */
const MACHINE = {
  isHere: (path: string): boolean => path !== "/dev/full",
  ofTheMachine: (): string[] => ["irq", "sys"],
};

function stepsWith(directories: readonly string[]): string[] {
  return spell(mountSteps("/srv/box", "/tmp", "jail-1", {
    has: (name) => directories.includes(name),
    ...MACHINE,
  }));
}

const ATTRIBUTES: Readonly<Record<number, string>> = {
  [MOUNT_ATTR_NODEV]: "without devices",
  [MOUNT_ATTR_RDONLY]: "to be read",
};

const BIND = ["openat2", "open_tree", "mount_setattr", "openat2", "move_mount"];

/** Steps as a person reads them, without flags and modes; those of a bind are one. */
function spell(steps: readonly Step[]): string[] {
  const spelled: string[] = [];
  for (let at = 0; at < steps.length; at++) {
    const calls = steps.slice(at, at + BIND.length);
    if (calls[0]?.call === "openat2") {
      assertEquals(calls.map(({ call }) => call), BIND);
      spelled.push(["bind", ...calls.flatMap(textsOf)].join(" "));
      at += BIND.length;
    } else if (calls[0] !== undefined) {
      spelled.push([calls[0].call, ...textsOf(calls[0])].join(" "));
    }
  }
  return spelled;
}

function textsOf({ args }: Step): string[] {
  return args.flatMap((arg) =>
    typeof arg === "number" || arg[0] === 0
      ? []
      : arg.length === MOUNT_ATTR.size
      ? ATTRIBUTES[get(MOUNT_ATTR, arg, "attr_set")] ?? []
      : fromBytes(arg, 0, arg.indexOf(0))
  );
}

const BEGIN = [
  "umask",
  "close_range",
  "mount /",
  "mount jail /tmp tmpfs mode=755",
  "mkdirat /tmp/jail-1",
  "bind /srv/box without devices /tmp/jail-1",
];

const PROC = [
  "mkdirat /tmp/proc",
  "bind /proc /tmp/proc",
  "bind /proc/irq to be read /tmp/proc/irq",
  "bind /proc/sys to be read /tmp/proc/sys",
  "bind /tmp/proc /tmp/jail-1/proc",
];

const END = ["chdir /", "chroot /tmp/jail-1"];

Deno.test("mountSteps() keeps mounts to itself before it makes one", () => {
  const first = mountSteps("/srv/box", "/tmp", "jail-1", {
    has: () => true,
    ...MACHINE,
  }).find(({ call }) => call === "mount");
  assertNotEquals(Number(first?.args[3]) & MS_PRIVATE, 0);
});

Deno.test("mountSteps() mounts nothing where there is no directory for it", () => {
  assertEquals(stepsWith([]), [...BEGIN, ...END]);
  assertEquals(stepsWith(["proc"]), [...BEGIN, ...PROC, ...END]);
});

Deno.test("mountSteps() makes what is of the machine beside the root, and mounts it there as a whole", () => {
  assertEquals(stepsWith(["proc", "sys", "dev"]), [
    ...BEGIN,
    ...PROC,
    "bind /sys to be read /tmp/jail-1/sys",
    "mkdirat /tmp/dev",
    "mkdirat /tmp/dev/pts",
    "bind /dev/pts /tmp/dev/pts",
    ...["null", "random", "tty", "urandom", "zero"].flatMap((name) => [
      `mknodat /tmp/dev/${name}`,
      `bind /dev/${name} /tmp/dev/${name}`,
    ]),
    "mkdirat /tmp/dev/shm",
    "fchmodat /tmp/dev/shm",
    "symlinkat pts/ptmx /tmp/dev/ptmx",
    "symlinkat /proc/self/fd /tmp/dev/fd",
    "symlinkat /proc/self/fd/0 /tmp/dev/stdin",
    "symlinkat /proc/self/fd/1 /tmp/dev/stdout",
    "symlinkat /proc/self/fd/2 /tmp/dev/stderr",
    "bind /tmp/dev /tmp/jail-1/dev",
    ...END,
  ]);
});
