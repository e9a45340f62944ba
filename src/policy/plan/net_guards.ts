/**
 * What the filter does with calls of the network where rules are about it.
 *
 * Where a message goes is in memory, and the tracer looks; which sockets there
 * are, and what can be set on them, constants tell. What would make an address
 * mean another host than the rule does (another interface, a route of the
 * program's own) is closed: options that are not known are refused.
 */

import * as sock from "../../abi/socket.ts";
import * as options from "../../abi/socket_options.ts";
import type { SyscallName } from "../../abi/syscalls.ts";
import { hasNames } from "../net/names.ts";
import {
  type NetRules,
  socketFamilies,
  type SocketFamily,
} from "../net/net.ts";
import { needsSources } from "../net/sources.ts";
import {
  ALLOW,
  allow,
  type ArgIndex,
  bits,
  type FilterAction,
  type Guard,
  is,
  isNot,
  isZero,
  masked,
  refuse,
  TRACE,
} from "./guard.ts";

const PEER: FilterAction = { kind: "trace", look: { kind: "peer" } };

const NETWORK = "rules are about the network";

/**
 * Sockets that no policy gives: it looks as if the kernel had been made without
 * them. Programs go on where it was (PAM does without the kernel's audit), and
 * not where they are told that they may not.
 */
export const NO_SUCH_SOCKETS: readonly Guard[] = [
  refuse(
    "EPROTONOSUPPORT",
    "the protocol is not known",
    is(0, sock.AF_NETLINK),
    isNot(2, sock.NETLINK_ROUTE),
  ),
  refuse(
    "EAFNOSUPPORT",
    "the address family is not known",
    isNot(0, sock.AF_UNIX, sock.AF_INET, sock.AF_INET6, sock.AF_NETLINK),
  ),
];

/** Where a family is open as soon as a rule is about it. */
const UNNAMED_FAMILIES = [
  refuse(
    "EACCES",
    "no rule of net allows it (--allow-net=unix:PATH)",
    is(0, sock.AF_UNIX),
  ),
  refuse("EACCES", "no rule of net allows it (--allow-net=HOST)"),
];
/** Where the families are listed, by a policy or since a person is asked. */
const UNLISTED_FAMILIES = [
  refuse("EACCES", "no rule allows sockets of this family"),
];

/**
 * The guards of a call under rules about the network.
 *
 * @param name the call
 * @param net the rules
 * @returns guards on its constant arguments; what they leave is looked at
 */
export function netRuleGuards(
  name: SyscallName,
  net: NetRules,
): readonly Guard[] {
  switch (name) {
    case "accept":
    case "accept4":
      return [allow("who listens has been allowed to")];
    case "getpeername":
    case "recvmsg":
    case "recvmmsg":
      return hasNames(net) ? TELLS_PEER : [];
    case "recvfrom":
      return hasNames(net)
        ? [allow("it does not ask who sent it", isZero(4)), ...TELLS_PEER]
        : [];
    case "sendmsg":
      return [staysOnLink(2)];
    case "sendmmsg":
      return [staysOnLink(3)];
    case "sendto":
      return [
        staysOnLink(3),
        allow("it goes where the socket is connected to", isZero(4)),
      ];
    case "socket":
      return sockets(net);
    case "socketpair":
      return [
        allow(
          "a pair reaches itself, and where it sends is looked at",
          is(0, sock.AF_UNIX),
          masked(
            1,
            sock.SOCK_TYPE_MASK,
            sock.SOCK_STREAM,
            sock.SOCK_DGRAM,
            sock.SOCK_SEQPACKET,
          ),
        ),
        refuse("EACCES", "there are no such pairs"),
      ];
    case "setsockopt":
      return OPTIONS;
    default:
      return [];
  }
}

const TELLS_PEER: readonly Guard[] = [{
  tests: [],
  action: PEER,
  why: "it may tell of jail, which answers in place of resolvers",
}];

/** The guards of socket(2). */
function sockets(net: NetRules): Guard[] {
  const families = socketFamilies(net);
  const internet = [
    ...families.has("inet") ? [sock.AF_INET] : [],
    ...families.has("inet6") ? [sock.AF_INET6] : [],
  ];
  return [
    ...internet.length > 0 ? tcpAndUdp(net, internet) : [],
    ...unixSockets(net, families),
    netlinkSockets(families),
    refuse(
      "EPERM",
      "packets may not be made by hand",
      is(0, sock.AF_INET, sock.AF_INET6),
      masked(1, sock.SOCK_TYPE_MASK, sock.SOCK_RAW),
    ),
    ...internet.length > 0
      ? [
        refuse(
          "EPROTONOSUPPORT",
          "only TCP and UDP are known",
          is(0, ...internet),
        ),
      ]
      : [],
    ...NO_SUCH_SOCKETS,
    ...net.sockets === undefined ? UNNAMED_FAMILIES : UNLISTED_FAMILIES,
  ];
}

function tcpAndUdp(net: NetRules, internet: readonly number[]): Guard[] {
  const of = (type: number, protocol: number): Guard["tests"] => [
    is(0, ...internet),
    masked(1, sock.SOCK_TYPE_MASK, type),
    is(2, sock.IPPROTO_IP, protocol),
  ];
  return [
    {
      tests: of(sock.SOCK_STREAM, sock.IPPROTO_TCP),
      action: ALLOW,
      why: NETWORK,
    },
    {
      tests: of(sock.SOCK_DGRAM, sock.IPPROTO_UDP),
      action: needsSources(net) ? TRACE : ALLOW,
      why: NETWORK,
    },
  ];
}

function unixSockets(
  net: NetRules,
  families: ReadonlySet<SocketFamily>,
): Guard[] {
  const { SOCK_TYPE_MASK, SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET } = sock;
  const types = [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET];
  const unix = is(0, sock.AF_UNIX);
  return [
    ...families.has("unix")
      ? [allow(NETWORK, unix, masked(1, SOCK_TYPE_MASK, ...types))]
      : [],
    // Whoever looks for a name asks nscd first.
    ...hasNames(net) && net.sockets === undefined
      ? [
        allow(
          "it reaches nothing by itself",
          unix,
          masked(1, SOCK_TYPE_MASK, SOCK_STREAM),
        ),
      ]
      : [],
  ];
}

/**
 * What happens to sockets that tell of interfaces.
 *
 * @param families what sockets may be made besides
 */
export function netlinkSockets(families: ReadonlySet<SocketFamily>): Guard {
  const routes = [is(0, sock.AF_NETLINK), is(2, sock.NETLINK_ROUTE)];
  if (families.has("netlink")) {
    return allow("it tells of interfaces", ...routes);
  }
  const named = [...families, "netlink"].join(", ");
  return refuse(
    "EACCES",
    `it would tell of the machine's interfaces, unless net: {sockets: [${named}]}`,
    ...routes,
  );
}

const ELSEWHERE = "an address would mean another host, or the route is its own";

const GROUPS = "under rules of net no group is joined, and no interface chosen";

/**
 * What SO_DONTROUTE does, for one message: another host may have its address on a
 * link than the one that routes lead to.
 *
 * @param flags the argument that has the flags
 */
export function staysOnLink(flags: ArgIndex): Guard {
  return refuse("EPERM", ELSEWHERE, bits(flags, sock.MSG_DONTROUTE));
}

/** Options of every socket that change where a message goes, or what is received. */
const CLOSED_SOCKET_OPTIONS: readonly number[] = [
  sock.SO_BINDTODEVICE,
  sock.SO_BINDTOIFINDEX,
  sock.SO_DONTROUTE,
  sock.SO_MARK,
  sock.SO_ATTACH_FILTER,
  sock.SO_DETACH_FILTER,
  sock.SO_LOCK_FILTER,
  sock.SO_ATTACH_BPF,
  sock.SO_INCOMING_CPU,
  sock.SO_ATTACH_REUSEPORT_CBPF,
  sock.SO_ATTACH_REUSEPORT_EBPF,
  sock.SO_DETACH_REUSEPORT_BPF,
];

const OPTIONS: readonly Guard[] = [
  refuse(
    "EPERM",
    ELSEWHERE,
    is(1, sock.SOL_SOCKET),
    is(2, ...CLOSED_SOCKET_OPTIONS),
  ),
  // A port that the kernel has chosen would then not be a free one.
  refuse(
    "EPERM",
    "a port of a server outside could be shared",
    is(1, sock.SOL_SOCKET),
    is(2, sock.SO_REUSEPORT),
  ),
  // Servers of streams need it, and take nothing from anybody. Of sockets for
  // datagrams the newer one gets them all.
  {
    tests: [is(1, sock.SOL_SOCKET), is(2, sock.SO_REUSEADDR)],
    action: { kind: "trace", look: { kind: "option", arg: 0 } },
    why: "datagrams for a socket outside could be taken",
  },
  // The kernel gives one without a name an abstract one, to which anybody can send.
  {
    tests: [is(1, sock.SOL_SOCKET), is(2, sock.SO_PASSCRED)],
    action: { kind: "trace", look: { kind: "option", arg: 0 } },
    why: "the socket would hear by a name that no rule allows",
  },
  allow("it concerns the socket", is(1, sock.SOL_SOCKET)),
  // Another process may have the socket, and say at any moment that it does so.
  refuse(
    "EPERM",
    "what is kept back could go to a mix of two addresses",
    is(1, sock.SOL_UDP),
    is(2, sock.UDP_CORK),
  ),
  allow(
    "it concerns the socket",
    is(1, sock.SOL_IP),
    is(2, ...options.HARMLESS_IP_OPTIONS),
  ),
  allow(
    "it concerns the socket",
    is(1, sock.SOL_IPV6),
    is(2, ...options.HARMLESS_IPV6_OPTIONS),
  ),
  // Of one that was not really connected it cannot be told to whom. It is what the
  // kernel says where that is off.
  {
    ...refuse(
      "EOPNOTSUPP",
      "a connection has to be made where it is asked for",
      is(1, sock.SOL_TCP),
      is(2, sock.TCP_FASTOPEN_CONNECT),
    ),
    quiet: true,
  },
  allow(
    "it concerns the socket",
    is(1, sock.SOL_TCP),
    is(2, ...options.HARMLESS_TCP_OPTIONS),
  ),
  allow(
    "it concerns the socket",
    is(1, sock.SOL_UDP),
    is(2, ...options.HARMLESS_UDP_OPTIONS),
  ),
  allow("it concerns the socket", is(1, sock.SOL_NETLINK)),
  refuse("EPERM", GROUPS, is(1, sock.SOL_IP), is(2, ...options.IP_GROUPS)),
  refuse("EPERM", GROUPS, is(1, sock.SOL_IPV6), is(2, ...options.IPV6_GROUPS)),
  refuse(
    "EPERM",
    "the kernel would choose a port that the program has chosen",
    is(1, sock.SOL_IP),
    is(2, options.IP_LOCAL_PORT_RANGE),
  ),
  refuse("EPERM", ELSEWHERE),
];
