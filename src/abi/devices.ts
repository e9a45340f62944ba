/**
 * Numbers of devices, from Documentation/admin-guide/devices.txt, as `st_rdev` has
 * them.
 */

/** /dev/null: takes all that is written. */
export const NULL_DEVICE = 0x103;
/** /dev/zero: reads as zeros, and can be mapped as memory. */
export const ZERO_DEVICE = 0x105;

/**
 * /dev/fuse, by which a program serves a file system:
 * Documentation/filesystems/fuse.rst.
 */
export const FUSE_DEVICE = 0xae5;

/** The console in front, /dev/tty and /dev/console: they lead to another terminal. */
export const TERMINAL_DOORS: readonly number[] = [0x400, 0x500, 0x501];

/** Devices that every program may use where it may use their names. */
export const DEVICE_NUMBERS: ReadonlyMap<string, number> = new Map([
  ["/dev/null", NULL_DEVICE],
  ["/dev/zero", ZERO_DEVICE],
  ["/dev/full", 0x107],
  ["/dev/random", 0x108],
  ["/dev/urandom", 0x109],
  ["/dev/tty", 0x500],
  ["/dev/ptmx", 0x502],
  ["/dev/pts/ptmx", 0x502],
]);

/** Names in /dev of devices that any program may use, and expects. */
export const PLAIN_DEVICES: readonly string[] = [
  "full",
  "null",
  "random",
  "tty",
  "urandom",
  "zero",
];

/** Links in /dev to the descriptors of whoever looks. */
export const FD_LINKS: readonly (readonly [to: string, name: string])[] = [
  ["/proc/self/fd", "fd"],
  ["/proc/self/fd/0", "stdin"],
  ["/proc/self/fd/1", "stdout"],
  ["/proc/self/fd/2", "stderr"],
];

/** The major number of a device: include/linux/kdev_t.h, new_encode_dev(). */
export function majorOf(device: number): number {
  return device >>> 8 & 0xfff;
}

/** The minor number of a device: include/linux/kdev_t.h, new_encode_dev(). */
export function minorOf(device: number): number {
  return device & 0xff | device >>> 12 & 0xf_ff00;
}

/** Whether a number is that of a terminal that somebody made: 136 to 143. */
export function isPseudoTerminal(device: number): boolean {
  const major = majorOf(device);
  return major >= 136 && major <= 143;
}

/**
 * Whether a number is that of a terminal: one that was made, a console, a serial
 * line.
 */
export function isTerminalDevice(device: number): boolean {
  return isPseudoTerminal(device) || [4, 5].includes(majorOf(device));
}
