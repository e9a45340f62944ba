/** What a policy lets calls of the network do, as far as registers tell. */

import * as net from "../../abi/socket.ts";
import * as options from "../../abi/socket_options.ts";
import type { SyscallName } from "../../abi/syscalls.ts";
import { writesEverything } from "../everything.ts";
import { socketFamilies } from "../net/net.ts";
import type { Policy } from "../policy.ts";
import {
  allow,
  type ArgIndex,
  bits,
  type Guard,
  is,
  isNot,
  isZero,
  masked,
  otherBits,
  refuse,
} from "./guard.ts";
import {
  netlinkSockets,
  netRuleGuards,
  NO_SUCH_SOCKETS,
  staysOnLink,
} from "./net_guards.ts";
import { NAMES_INTERFACES, TELLS_INTERFACES } from "./surface_commands.ts";

/**
 * The guards that a policy's network gives a call.
 *
 * @param name the call
 * @param policy the policy
 * @param streams whether every socket that comes from outside is a stream
 */
export function netGuards(
  name: SyscallName,
  policy: Policy,
  streams: boolean,
): readonly Guard[] {
  const { net } = policy;
  if (typeof net !== "string") return netRuleGuards(name, net);
  switch (net) {
    case "all": {
      const guards = NET_ALL.get(name) ?? [];
      if (writesEverything(policy)) return guards;
      if (name === "socket") return [NO_UNIX_DATAGRAMS, ...guards];
      return name === "socketpair" ? [PAIR_OF_DATAGRAMS, ...guards] : guards;
    }
    case "none":
      if (name === "sendmsg" || name === "sendmmsg") {
        return streams ? streamsOnly(name === "sendmsg" ? 2 : 3) : NO_NET;
      }
      return NET_NONE.get(name) ?? [];
  }
}

/**
 * The guards of a call that come before what always holds: any socket, of a pair
 * as well, tells of the machine's interfaces. So they are told of where netlink
 * sockets may be made, which are there for that. An address of IPv6 may have the
 * name of one in it.
 *
 * @param name the call
 * @param policy the policy
 */
export function interfaceGuards(
  name: SyscallName,
  { net }: Policy,
): readonly Guard[] {
  if (name !== "ioctl" || net === "all") return [];
  const families = net === "none" ? undefined : socketFamilies(net);
  if (families?.has("netlink") === true) return [];
  const named = families?.has("inet6") === true ? [] : NAMES_INTERFACES;
  return [refuse("EACCES", TELLING, is(1, ...named, ...TELLS_INTERFACES))];
}

const TELLING = "it tells of the machine's interfaces";
const USED = "the network may be used";

const NO_NET = [
  refuse("EACCES", "no rule of net allows it (--allow-net=HOST, or unix:PATH)"),
];
const NET = [allow(USED)];

// sendmsg(2) has the address in a structure in memory, which is not looked at.
// Of unix sockets only those of datagrams take one there.
const UNIX_DATAGRAMS: Guard["tests"] = [
  is(0, net.AF_UNIX),
  masked(1, net.SOCK_TYPE_MASK, net.SOCK_DGRAM),
];

const NO_UNIX_DATAGRAMS = refuse(
  "EACCES",
  "a unix datagram goes to any path, and not every file may be written",
  ...UNIX_DATAGRAMS,
);

// Those of a pair are for each other, so another kind of pair does as well.
const PAIR_OF_DATAGRAMS: Guard = {
  tests: UNIX_DATAGRAMS,
  action: { kind: "trace", look: { kind: "pair" } },
  why: "a unix datagram goes to any path",
};

/**
 * What a message by a stream may do. It goes to the other end, whatever address it
 * has; but where there is none yet, or any more, one with this flag connects. That
 * needs no connect(2), and Landlock has not heard of it by Linux 6.18.
 *
 * @param flags the argument that has the flags
 */
function streamsOnly(flags: ArgIndex): readonly Guard[] {
  return [
    refuse(
      "EACCES",
      "it would connect, and the network may not be used",
      bits(flags, net.MSG_FASTOPEN),
    ),
    allow("every socket is a stream"),
  ];
}

/**
 * Options by which one of the servers that share a port gets what is for the
 * others. Who does not share it any more, though it is bound there, gets all.
 */
const CHOOSES_SERVER = [
  net.SO_REUSEPORT,
  net.SO_INCOMING_CPU,
  net.SO_ATTACH_REUSEPORT_CBPF,
  net.SO_ATTACH_REUSEPORT_EBPF,
  net.SO_DETACH_REUSEPORT_BPF,
];

/** What a socket that is handed in is kept from hearing, or who has it outside is. */
const FILTERS = [
  net.SO_ATTACH_FILTER,
  net.SO_DETACH_FILTER,
  net.SO_LOCK_FILTER,
  net.SO_ATTACH_BPF,
];

/** Options by which a socket that is handed in hears fewer, or nobody, by their level. */
const HEARS_LESS: readonly (readonly [number, readonly number[]])[] = [
  [net.SOL_TCP, [...net.TCP_KEYS, net.TCP_DEFER_ACCEPT]],
  [net.SOL_UDP, [net.UDP_ENCAP]],
  [net.SOL_IP, [net.IP_MINTTL]],
  [net.SOL_IPV6, [net.IPV6_MINHOPCOUNT]],
];

/** Levels of options that concern one socket alone; of IP, those that are harmless. */
const OWN_LEVELS = [
  net.SOL_SOCKET,
  net.SOL_IP,
  net.SOL_IPV6,
  net.SOL_TCP,
  net.SOL_UDP,
  net.SOL_NETLINK,
  net.SOL_TLS,
  net.SOL_MPTCP,
];

// A pair of datagram sockets may send anywhere, a pair of streams only to
// itself.
const NET_NONE: ReadonlyMap<SyscallName, readonly Guard[]> = new Map<
  SyscallName,
  readonly Guard[]
>([
  ["accept", NO_NET],
  ["accept4", NO_NET],
  ["bind", NO_NET],
  ["connect", NO_NET],
  ["listen", NO_NET],
  ["sendto", [
    staysOnLink(3),
    allow("it names nobody", isZero(4)),
    ...NO_NET,
  ]],
  // Any socket could be told the number of one, and say its name. One of the internet
  // that is handed in says which numbers and addresses there are, and joins groups.
  ["setsockopt", [
    refuse(
      "EACCES",
      "routes would not be heeded",
      is(1, net.SOL_SOCKET),
      is(2, net.SO_DONTROUTE),
    ),
    refuse(
      "EACCES",
      TELLING,
      is(1, net.SOL_SOCKET),
      is(2, net.SO_BINDTODEVICE, net.SO_BINDTOIFINDEX),
    ),
    refuse(
      "EACCES",
      "a server outside may share its port",
      is(1, net.SOL_SOCKET),
      is(2, ...CHOOSES_SERVER),
    ),
    refuse(
      "EACCES",
      "whoever handed it in has said what it hears",
      is(1, net.SOL_SOCKET),
      is(2, ...FILTERS),
    ),
    ...HEARS_LESS.map(([level, names]) =>
      refuse(
        "EACCES",
        "whoever handed it in has said whom it hears",
        is(1, level),
        is(2, ...names),
      )
    ),
    refuse(
      "EACCES",
      TELLING,
      is(1, net.SOL_IP),
      isNot(2, ...options.HARMLESS_IP_OPTIONS),
    ),
    refuse(
      "EACCES",
      TELLING,
      is(1, net.SOL_IPV6),
      isNot(2, ...options.HARMLESS_IPV6_OPTIONS),
    ),
    // Sockets for packets share what comes in a group that any may join, and one
    // sets what an interface takes (PACKET_FANOUT, PACKET_ADD_MEMBERSHIP).
    refuse(
      "EACCES",
      "it could take what comes to others",
      isNot(1, ...OWN_LEVELS),
    ),
  ]],
  ["socket", [...NO_SUCH_SOCKETS, netlinkSockets(new Set()), ...NO_NET]],
  ["socketpair", [
    allow(
      "a pair of streams reaches nobody else",
      is(0, net.AF_UNIX),
      masked(1, net.SOCK_TYPE_MASK, net.SOCK_STREAM, net.SOCK_SEQPACKET),
    ),
    ...NO_NET,
  ]],
]);

const INTERNET = [net.AF_INET, net.AF_INET6];
const FAMILIES = [net.AF_UNIX, ...INTERNET];
const TYPES = [net.SOCK_STREAM, net.SOCK_DGRAM, net.SOCK_SEQPACKET];
const PROTOCOLS = [
  net.IPPROTO_IP,
  net.IPPROTO_ICMP, // PF_UNIX too
  net.IPPROTO_TCP,
  net.IPPROTO_UDP,
  net.IPPROTO_ICMPV6,
  net.IPPROTO_UDPLITE,
  net.IPPROTO_MPTCP,
];

/** A mistake of the program's, which no kernel takes. */
const NO_SUCH_TYPE: Guard = {
  ...refuse(
    "EINVAL",
    "the type is not known",
    otherBits(1, net.SOCK_TYPE_MASK | net.SOCK_NONBLOCK | net.SOCK_CLOEXEC),
  ),
  quiet: true,
};

// bind, connect, and sendto with an address are not here: that of a unix socket
// is a file.
const NET_ALL: ReadonlyMap<SyscallName, readonly Guard[]> = new Map<
  SyscallName,
  readonly Guard[]
>([
  ["accept", NET],
  ["accept4", NET],
  ["listen", NET],
  ["sendmmsg", NET],
  ["sendmsg", NET],
  ["sendto", [allow("it goes where the socket is connected to", isZero(4))]],
  ["socket", [
    NO_SUCH_TYPE,
    allow(
      USED,
      is(0, ...FAMILIES),
      masked(1, net.SOCK_TYPE_MASK, ...TYPES),
      is(2, ...PROTOCOLS),
    ),
    allow(
      "it tells of interfaces",
      is(0, net.AF_NETLINK),
      is(2, net.NETLINK_ROUTE),
    ),
    refuse(
      "EPERM",
      "packets may not be made by hand",
      is(0, ...FAMILIES),
      masked(1, net.SOCK_TYPE_MASK, net.SOCK_RAW),
    ),
    refuse("EPROTONOSUPPORT", "the protocol is not known", is(0, ...FAMILIES)),
    ...NO_SUCH_SOCKETS,
    ...NO_NET,
  ]],
  ["socketpair", [
    NO_SUCH_TYPE,
    allow(USED, is(0, net.AF_UNIX), masked(1, net.SOCK_TYPE_MASK, ...TYPES)),
    {
      ...refuse("EOPNOTSUPP", "it makes no pairs", is(0, ...INTERNET)),
      quiet: true,
    },
    ...NO_NET,
  ]],
]);
