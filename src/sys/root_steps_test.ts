import { assertEquals, assertNotEquals } from "@std/assert";
import { fromBytes } from "../abi/bytes.ts";
import { MS_PRIVATE } from "../abi/mount.ts";
import { mountSteps } from "./root_steps.ts";
import type { Step } from "./steps.ts";

function stepsWith(directories: readonly string[]): string[] {
  return mountSteps("/srv/box", "/tmp", "jail-1", {
    has: (name) => directories.includes(name),
    isHere: (path) => path !== "/dev/full",
  }).map(spell);
}

/** A call as a person reads it, without flags and modes. */
function spell({ call, args }: Step): string {
  const texts = args.flatMap((arg) =>
    typeof arg === "number" || arg[0] === 0
      ? []
      : [fromBytes(arg, 0, arg.indexOf(0))]
  );
  return [call, ...texts].join(" ");
}

const OWN = [
  "mount /",
  "mount jail /tmp tmpfs mode=755",
  "mkdirat /tmp/jail-1",
  "mount /srv/box /tmp/jail-1",
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
  assertEquals(stepsWith(["proc"]), [...OWN, "mount proc /proc"]);
});

Deno.test("mountSteps() takes from the machine by relative paths, once it is in the root", () => {
  const steps = stepsWith(["proc", "sys", "dev"]);
  assertEquals(steps.slice(0, OWN.length), OWN);
  assertEquals(steps.slice(OWN.length), [
    "mount proc /proc",
    "mount sys /sys",
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
