/** Constants of calls about sockets as a person reads them. */

import * as sock from "../../abi/socket.ts";
import { OPTION_NAMES } from "../../abi/socket_options.ts";
import { flagWords, type Names } from "./flag_words.ts";

const FAMILIES: Names = [
  [sock.AF_UNSPEC, "AF_UNSPEC"],
  [sock.AF_UNIX, "AF_UNIX"],
  [sock.AF_INET, "AF_INET"],
  [sock.AF_INET6, "AF_INET6"],
  [sock.AF_NETLINK, "AF_NETLINK"],
];

const TYPES: Names = [
  [sock.SOCK_STREAM, "SOCK_STREAM"],
  [sock.SOCK_DGRAM, "SOCK_DGRAM"],
  [sock.SOCK_RAW, "SOCK_RAW"],
  [sock.SOCK_SEQPACKET, "SOCK_SEQPACKET"],
];

const TYPE_FLAGS: Names = [
  [sock.SOCK_CLOEXEC, "SOCK_CLOEXEC"],
  [sock.SOCK_NONBLOCK, "SOCK_NONBLOCK"],
];

const LEVELS: Names = [
  [sock.SOL_SOCKET, "SOL_SOCKET"],
  [sock.SOL_IP, "SOL_IP"],
  [sock.SOL_TCP, "SOL_TCP"],
  [sock.SOL_UDP, "SOL_UDP"],
  [sock.SOL_IPV6, "SOL_IPV6"],
  [sock.SOL_NETLINK, "SOL_NETLINK"],
];

const MESSAGE_FLAGS: Names = [
  [sock.MSG_DONTROUTE, "MSG_DONTROUTE"],
  [sock.MSG_DONTWAIT, "MSG_DONTWAIT"],
  [sock.MSG_NOSIGNAL, "MSG_NOSIGNAL"],
  [sock.MSG_MORE, "MSG_MORE"],
  [sock.MSG_FASTOPEN, "MSG_FASTOPEN"],
];

/** Options that are refused, so that they are what is read of. */
const OPTIONS: Names = [
  [sock.SO_REUSEADDR, "SO_REUSEADDR"],
  [sock.SO_PASSCRED, "SO_PASSCRED"],
  [sock.SO_DONTROUTE, "SO_DONTROUTE"],
  [sock.SO_REUSEPORT, "SO_REUSEPORT"],
  [sock.SO_BINDTODEVICE, "SO_BINDTODEVICE"],
  [sock.SO_ATTACH_FILTER, "SO_ATTACH_FILTER"],
  [sock.SO_DETACH_FILTER, "SO_DETACH_FILTER"],
  [sock.SO_MARK, "SO_MARK"],
  [sock.SO_LOCK_FILTER, "SO_LOCK_FILTER"],
  [sock.SO_INCOMING_CPU, "SO_INCOMING_CPU"],
  [sock.SO_ATTACH_BPF, "SO_ATTACH_BPF"],
  [sock.SO_ATTACH_REUSEPORT_CBPF, "SO_ATTACH_REUSEPORT_CBPF"],
  [sock.SO_ATTACH_REUSEPORT_EBPF, "SO_ATTACH_REUSEPORT_EBPF"],
  [sock.SO_BINDTOIFINDEX, "SO_BINDTOIFINDEX"],
  [sock.SO_DETACH_REUSEPORT_BPF, "SO_DETACH_REUSEPORT_BPF"],
];

function nameIn(names: Names, value: number): string {
  return names.find(([number]) => number === value)?.[1] ?? String(value);
}

/** A family of sockets: `AF_INET`. */
export function familyText(family: number): string {
  return nameIn(FAMILIES, family);
}

/** A type of sockets, with what is set at once: `SOCK_STREAM|SOCK_CLOEXEC`. */
export function socketTypeText(type: number): string {
  const flags = type & ~sock.SOCK_TYPE_MASK;
  return [
    nameIn(TYPES, type & sock.SOCK_TYPE_MASK),
    ...flagWords(TYPE_FLAGS, flags),
  ].join("|");
}

/** What is said with a message that is sent: `MSG_MORE|MSG_NOSIGNAL`. */
export function messageFlagsText(flags: number): string {
  return flags === 0 ? "0" : flagWords(MESSAGE_FLAGS, flags).join("|");
}

/** Whose option it is: `SOL_SOCKET`. */
export function levelText(level: number): string {
  return nameIn(LEVELS, level);
}

/** An option: `SO_REUSEPORT`; a number where none that has it is refused. */
export function optionText(level: number, option: number): string {
  return nameIn(
    level === sock.SOL_SOCKET ? OPTIONS : OPTION_NAMES.get(level) ?? [],
    option,
  );
}
