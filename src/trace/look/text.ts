/**
 * A stopped call as a person reads it: `openat("/etc/shadow", O_RDONLY)`.
 *
 * What was judged of it is told, as it was read then: the program may have changed
 * it since. What nobody judged, as the arguments of a call that is refused whatever
 * they are, is read for this.
 */

import { fromBytes, printable } from "../../abi/bytes.ts";
import { AT_FDCWD, O_CREAT, O_DIRECTORY, O_TMPFILE } from "../../abi/fcntl.ts";
import { get } from "../../abi/layout.ts";
import { isPathKind } from "../../abi/paths.ts";
import { signalName } from "../../abi/signal.ts";
import {
  MSGHDR,
  SOCKADDR_STORAGE_SIZE,
  SUN_PATH_OFFSET,
} from "../../abi/socket.ts";
import type { ArgKind } from "../../abi/syscalls.ts";
import { endpointText } from "../../policy/net/endpoint.ts";
import { readMemory } from "../../sys/task/memory.ts";
import type { Registers } from "../tracee/registers.ts";
import { accessModeText, openFlagsText } from "./flag_words.ts";
import { readPath } from "./look.ts";
import type { Looked, LookedText } from "./looked.ts";
import { endpointOf, familyOf, hasPath } from "./sockaddr.ts";
import {
  familyText,
  levelText,
  messageFlagsText,
  optionText,
  socketTypeText,
} from "./socket_text.ts";
import type { CallSpec } from "./spec.ts";

function argumentText(
  tid: number,
  registers: Registers,
  kind: ArgKind,
  index: number,
  looked: Looked | undefined,
): string {
  if (isPathKind(kind) || kind === "string") {
    const address = registers.address(index);
    if (address === 0) return "NULL";
    const path = looked === undefined
      ? readPath(tid, address)
      : textsOf(looked).find(({ arg }) => arg === index)?.written;
    if (typeof path === "string") return printable(path, 200);
    return kind === "string" ? "…" : hex(address);
  }
  switch (kind) {
    case "dirfd":
      return registers.int(index) === AT_FDCWD
        ? "AT_FDCWD"
        : String(registers.int(index));
    case "fd":
    case "write-fd":
    case "pid":
    case "tid":
    case "int":
      return String(registers.int(index));
    case "uint":
    case "uid":
    case "gid":
      return String(registers.uint(index));
    case "size":
      return String(registers.address(index));
    case "mode":
      return `0${registers.uint(index).toString(8)}`;
    case "sockaddr":
      return looked === undefined
        ? readAddress(tid, registers.address(index), registers.int(index + 1))
        : addressText(registers.address(index), looked.said);
    case "msghdr":
    case "mmsghdr":
      return messageText(registers.address(index), looked);
    case "open-flags":
      return openFlagsText(registers.int(index));
    case "access-mode":
      return accessModeText(registers.uint(index));
    case "socket-family":
      return familyText(registers.int(index));
    case "socket-type":
      return socketTypeText(registers.int(index));
    case "socket-level":
      return levelText(registers.int(index));
    case "socket-option":
      return optionText(registers.int(index - 1), registers.int(index));
    case "message-flags":
      return messageFlagsText(registers.int(index));
    case "signal":
      return registers.int(index) === 0
        ? "0"
        : signalName(registers.int(index));
    case "argv":
    case "envp":
      return "[…]";
    // Where it lies says nothing, and is another place each time.
    case "buf":
    case "ptr":
    case "iovec":
    case "open-how":
    case "timespec":
    case "sigset":
    case "cap-header":
      return registers.address(index) === 0 ? "0" : "…";
    case "at-flags":
    case "at-flags-follow":
    case "rename-flags":
      return hex(registers.uint(index));
    default:
      return hex(registers.address(index));
  }
}

/** What was read of a call as text. */
function textsOf({ paths, beside }: Looked): readonly LookedText[] {
  return beside === undefined ? paths : [...paths, beside];
}

/** Whether an argument says nothing: the cwd, the mode of no new file, a length. */
function isNoise(
  args: readonly ArgKind[],
  kind: ArgKind,
  registers: Registers,
  index: number,
): boolean {
  if (kind === "dirfd") return registers.int(index) === AT_FDCWD;
  if (args[index - 1] === "sockaddr") return true;
  if (kind !== "mode") return false;
  const flags = args.indexOf("open-flags");
  return flags >= 0 &&
    (registers.int(flags) & (O_CREAT | O_TMPFILE & ~O_DIRECTORY)) === 0;
}

/** A socket address that was not looked at. */
function readAddress(tid: number, address: number, length: number): string {
  const size = Math.min(Math.max(length, 0), SOCKADDR_STORAGE_SIZE);
  const bytes = new Uint8Array(size);
  const read = size === 0 ? 0 : readMemory(tid, address, bytes, size);
  return addressText(address, read === size ? bytes : undefined);
}

/** A socket address: `10.0.0.1:443`; where it lies, where nothing is known of it. */
function addressText(address: number, bytes: Uint8Array | undefined): string {
  if (address === 0) return "NULL";
  if (bytes === undefined || bytes.length < 2) return hex(address);
  if (familyOf(bytes) === 0) return "AF_UNSPEC";
  if (!hasPath(bytes)) return endpointText(endpointOf(bytes, "connect"));
  const end = bytes.indexOf(0, SUN_PATH_OFFSET);
  const path = fromBytes(bytes, SUN_PATH_OFFSET, end < 0 ? bytes.length : end);
  return `unix:${printable(path, 200)}`;
}

/** Where a message goes; of several, the first one. */
function messageText(address: number, looked: Looked | undefined): string {
  const [message] = looked?.messages ?? [];
  if (message === undefined) return hex(address);
  const at = get(MSGHDR, message.header, "msg_name");
  return `{${addressText(at, looked?.said)}, …}`;
}

function hex(value: number): string {
  return value === 0 ? "0" : `0x${value.toString(16)}`;
}

/**
 * Writes a stopped call as a person reads it.
 *
 * @param tid the tracee
 * @param registers its registers
 * @param spec the call
 * @param looked what was judged of it; `undefined` where nothing was read of it
 * @returns one line, safe for a terminal
 */
export function callText(
  tid: number,
  registers: Registers,
  spec: CallSpec,
  looked: Looked | undefined,
): string {
  const { args } = spec.syscall;
  const words = args.flatMap((kind, index) =>
    isNoise(args, kind, registers, index)
      ? []
      : [argumentText(tid, registers, kind, index, looked)]
  );
  return `${spec.syscall.name}(${words.join(", ")})`;
}
