/**
 * Looks at messages: sendmsg(2) and sendmmsg(2), whose address is in memory
 * that a structure in memory leads to.
 *
 * The structure, the address and the control messages are copied once each, and
 * these bytes are what the kernel is given where somebody else could change
 * them. What is sent needs no look.
 */

import { EFAULT, EINVAL, EMSGSIZE, ENOBUFS } from "../../abi/errno.ts";
import { get } from "../../abi/layout.ts";
import {
  CMSGHDR,
  IN6_PKTINFO_IFINDEX_OFFSET,
  IP_PKTINFO,
  IPV6_PKTINFO,
  MMSGHDR_LEN_OFFSET,
  MMSGHDR_MAX,
  MMSGHDR_SIZE,
  MSGHDR,
  SOCKADDR_STORAGE_SIZE,
  SOL_IP,
  SOL_IPV6,
} from "../../abi/socket.ts";
import { HARMLESS_CONTROL } from "../../abi/socket_options.ts";
import { isOfMany } from "../../policy/net/endpoint.ts";
import { readMemory, writeAsTracee } from "../../sys/task/memory.ts";
import type { Names } from "../names.ts";
import { CONTROL_MAX } from "../tracee/pin.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Tracee } from "../tracee/tracee.ts";
import { lookAtName } from "./address.ts";
import { type IsOwn, type Looked, type LookedPath, nothing } from "./looked.ts";
import type { CallSpec } from "./spec.ts";

/** A message, copied once. */
export interface LookedMessage {
  /** Where its structure is. */
  readonly at: number;
  /** The structure: `struct user_msghdr`. */
  readonly header: Uint8Array;
  /** The address that it goes to; empty where it has none. */
  readonly name: Uint8Array;
  /** Its control messages; empty where it has none. */
  readonly control: Uint8Array;
  /** Whether these say which address of the machine it comes from. */
  readonly sourced: boolean;
  /** The path that the address is, if it is one. */
  path: LookedPath | undefined;
}

const sent = new Uint32Array(1);

/** Why a control message is refused. */
const OTHER_WAY = "a control message that could choose another way";

/**
 * Looks at a call that sends messages.
 *
 * @param tracee whose call it is
 * @param registers its registers
 * @param spec the call
 * @param isOwn whether a process id is one of the jail's
 * @param alone whether all of the messages of sendmmsg(2) matter, or the first
 *   alone, since the others are sent by further calls
 * @param names what is known of resolvers and names, where rules name hosts
 */
export function lookAtMessages(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  isOwn: IsOwn,
  alone: boolean,
  names: Names | undefined,
): Looked {
  const looked = nothing();
  const many = spec.syscall.name === "sendmmsg";
  const count = !many
    ? 1
    : Math.min(registers.uint(2), alone ? MMSGHDR_MAX : 1);
  for (let i = 0; i < count; i++) {
    const at = registers.address(1) + i * MMSGHDR_SIZE;
    lookAtMessage(looked, tracee, at, isOwn, names);
    if (looked.errno !== 0 || looked.never !== undefined) break;
    const { name, control } = looked.messages[i] as LookedMessage;
    if (count === 1 || name.length + control.length === 0) continue;
    // The kernel writes the length of each message before it looks at the next
    // one, whose address may lie just there: then one is sent at a time, and the
    // others are looked at when it is their turn.
    looked.changed = true;
    break;
  }
  return looked;
}

function lookAtMessage(
  looked: Looked,
  tracee: Tracee,
  at: number,
  isOwn: IsOwn,
  names: Names | undefined,
): void {
  const header = new Uint8Array(MSGHDR.size);
  if (readMemory(tracee.tid, at, header, header.length) !== header.length) {
    looked.errno = EFAULT;
    return;
  }
  const nameAt = get(MSGHDR, header, "msg_name");
  const namelen = get(MSGHDR, header, "msg_namelen");
  if (get(MSGHDR, header, "msg_iovlen") > MMSGHDR_MAX) {
    looked.errno = EMSGSIZE;
    return;
  }
  if (nameAt !== 0 && namelen < 0) {
    looked.errno = EINVAL;
    return;
  }
  // As the kernel does it: what is longer is cut, and of length 0 there is none.
  const name = copy(
    tracee,
    nameAt,
    nameAt === 0 ? 0 : Math.min(namelen, SOCKADDR_STORAGE_SIZE),
  );
  const controlAt = get(MSGHDR, header, "msg_control");
  const length = get(MSGHDR, header, "msg_controllen");
  if (length > CONTROL_MAX) {
    looked.errno = ENOBUFS;
    return;
  }
  // The kernel asks for the length alone, and fails where nothing is there.
  const control = copy(tracee, controlAt, length);
  if (name === undefined || control === undefined) {
    looked.errno = EFAULT;
    return;
  }
  const sourced = lookAtControl(looked, control);
  const message: LookedMessage = {
    ...{ at, header, name, control, sourced },
    path: undefined,
  };
  looked.messages.push(message);
  if (name.length > 0 && looked.errno === 0) {
    const before = looked.paths.length;
    lookAtName(looked, tracee, name, "send", -1, isOwn, names);
    message.path = looked.paths[before];
    const endpoint = looked.net.at(-1)?.endpoint;
    if (sourced && endpoint?.family === "inet" && isOfMany(endpoint.address)) {
      looked.never = OTHER_WAY;
    }
  }
}

function copy(
  tracee: Tracee,
  at: number,
  length: number,
): Uint8Array | undefined {
  const bytes = new Uint8Array(length);
  return length > 0 && readMemory(tracee.tid, at, bytes, length) !== length
    ? undefined
    : bytes;
}

/**
 * Looks at control messages as `for_each_cmsghdr()` of the kernel finds them.
 *
 * @returns whether one says where the message comes from
 */
function lookAtControl(looked: Looked, control: Uint8Array): boolean {
  let sourced = false;
  for (let at = 0; at + CMSGHDR.size <= control.length;) {
    const one = control.subarray(at);
    const length = get(CMSGHDR, one, "cmsg_len");
    if (length < CMSGHDR.size || length > one.length) {
      looked.errno = EINVAL;
      return sourced;
    }
    const message = one.subarray(0, length);
    if (!isHarmless(message)) {
      looked.never = OTHER_WAY;
      return sourced;
    }
    sourced ||= indexOffset(message) >= 0 &&
      message.subarray(CMSGHDR.size).some((byte) => byte !== 0);
    at += Math.ceil(length / 8) * 8;
  }
  return sourced;
}

/** Where one that says where its message comes from has an interface; else -1. */
function indexOffset(message: Uint8Array): number {
  const level = get(CMSGHDR, message, "cmsg_level");
  const type = get(CMSGHDR, message, "cmsg_type");
  if (level === SOL_IP && type === IP_PKTINFO) return 0;
  return level === SOL_IPV6 && type === IPV6_PKTINFO
    ? IN6_PKTINFO_IFINDEX_OFFSET
    : -1;
}

function isHarmless(message: Uint8Array): boolean {
  const level = get(CMSGHDR, message, "cmsg_level");
  const type = get(CMSGHDR, message, "cmsg_type");
  const info = indexOffset(message);
  if (info >= 0) {
    // An interface of the program's choice is another way; an address of its
    // own is none.
    const index = message.subarray(CMSGHDR.size + info).subarray(0, 4);
    return index.length === 4 && index.every((byte) => byte === 0);
  }
  return HARMLESS_CONTROL.some(([l, t]) => l === level && t === type);
}

/**
 * A sendmsg(2) took the place of a sendmmsg(2), whose first message was sent:
 * tells the program how many bytes it had.
 *
 * @param tracee whose call it was, with its own registers saved
 * @param length how many bytes were sent
 * @returns what sendmmsg(2) returns
 */
export function sentOne(tracee: Tracee, length: number): number {
  sent[0] = length;
  const at = tracee.saved.address(1) + MMSGHDR_LEN_OFFSET;
  const bytes = new Uint8Array(sent.buffer);
  return writeAsTracee(tracee.tid, at, bytes) === bytes.length ? 1 : -EFAULT;
}
