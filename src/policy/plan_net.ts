/** What a policy lets calls of the network do, as far as registers tell. */

import * as net from "../abi/socket.ts";
import type { SyscallName } from "../abi/syscalls.ts";
import { writesEverything } from "./everything.ts";
import {
  type ArgIndex,
  bits,
  type Guard,
  is,
  isZero,
  masked,
} from "./guard.ts";
import { socketFamilies } from "./net.ts";
import { netRuleGuards, NO_SUCH_SOCKETS } from "./net_guards.ts";
import type { Policy } from "./policy.ts";
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
  return [{
    tests: [is(1, ...named, ...TELLS_INTERFACES)],
    action: { kind: "errno", errno: "EACCES" },
    why: "it tells of the machine's interfaces",
  }];
}

const NO_NET: readonly Guard[] = [{
  tests: [],
  action: { kind: "errno", errno: "EACCES" },
  why: "the network may not be used",
}];

const NET: readonly Guard[] = [{
  tests: [],
  action: { kind: "allow" },
  why: "the network may be used",
}];

// sendmsg(2) has the address in a structure in memory, which is not looked at.
// Of unix sockets only those of datagrams take one there.
const UNIX_DATAGRAMS: Guard["tests"] = [
  is(0, net.AF_UNIX),
  masked(1, net.SOCK_TYPE_MASK, net.SOCK_DGRAM),
];

const NO_UNIX_DATAGRAMS: Guard = {
  tests: UNIX_DATAGRAMS,
  action: { kind: "errno", errno: "EACCES" },
  why: "a unix datagram goes to any path, and not every file may be written",
};

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
    {
      tests: [bits(flags, net.MSG_FASTOPEN)],
      action: { kind: "errno", errno: "EACCES" },
      why: "it would connect, and the network may not be used",
    },
    {
      tests: [],
      action: { kind: "allow" },
      why: "every socket is a stream",
    },
  ];
}

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
    { tests: [isZero(4)], action: { kind: "allow" }, why: "it names nobody" },
    ...NO_NET,
  ]],
  // Any socket could be told the number of one, and say its name.
  ["setsockopt", [{
    tests: [
      is(1, net.SOL_SOCKET),
      is(2, net.SO_BINDTODEVICE, net.SO_BINDTOIFINDEX),
    ],
    action: { kind: "errno", errno: "EACCES" },
    why: "it tells of the machine's interfaces",
  }]],
  ["socket", [...NO_SUCH_SOCKETS, ...NO_NET]],
  ["socketpair", [
    {
      tests: [
        is(0, net.AF_UNIX),
        masked(
          1,
          net.SOCK_TYPE_MASK,
          net.SOCK_STREAM,
          net.SOCK_SEQPACKET,
        ),
      ],
      action: { kind: "allow" },
      why: "a pair of streams reaches nobody else",
    },
    ...NO_NET,
  ]],
]);

const FAMILIES = [net.AF_UNIX, net.AF_INET, net.AF_INET6];
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
  ["sendto", [{
    tests: [isZero(4)],
    action: { kind: "allow" },
    why: "it goes where the socket is connected to",
  }]],
  ["socket", [
    {
      tests: [
        is(0, ...FAMILIES),
        masked(1, net.SOCK_TYPE_MASK, ...TYPES),
        is(2, ...PROTOCOLS),
      ],
      action: { kind: "allow" },
      why: "the network may be used",
    },
    {
      tests: [is(0, net.AF_NETLINK), is(2, net.NETLINK_ROUTE)],
      action: { kind: "allow" },
      why: "it tells of interfaces",
    },
    {
      tests: [is(0, ...FAMILIES), masked(1, net.SOCK_TYPE_MASK, net.SOCK_RAW)],
      action: { kind: "errno", errno: "EPERM" },
      why: "packets may not be made by hand",
    },
    {
      tests: [is(0, ...FAMILIES)],
      action: { kind: "errno", errno: "EPROTONOSUPPORT" },
      why: "the protocol is not known",
    },
    ...NO_SUCH_SOCKETS,
    ...NO_NET,
  ]],
  ["socketpair", [
    {
      tests: [
        is(0, net.AF_UNIX),
        masked(1, net.SOCK_TYPE_MASK, ...TYPES),
      ],
      action: { kind: "allow" },
      why: "the network may be used",
    },
    ...NO_NET,
  ]],
]);
