/**
 * Options of sockets, and control messages, that change nothing about where a
 * message goes, and what those are called that do: `include/uapi/linux/in.h`,
 * `in6.h`, `tcp.h` and `udp.h`.
 */

import {
  SCM_CREDENTIALS,
  SCM_RIGHTS,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
  SOL_TCP,
  SOL_UDP,
  UDP_CORK,
  UDP_SEGMENT,
} from "./socket.ts";

/** Control messages that change nothing about where a message goes: level and type. */
export const HARMLESS_CONTROL: readonly (readonly [number, number])[] = [
  [SOL_SOCKET, SCM_RIGHTS],
  [SOL_SOCKET, SCM_CREDENTIALS],
  [SOL_SOCKET, 12], // SO_PRIORITY
  [SOL_SOCKET, 37], // SO_TIMESTAMPING_OLD
  [SOL_SOCKET, 61], // SCM_TXTIME
  [SOL_SOCKET, 65], // SO_TIMESTAMPING_NEW
  [SOL_SOCKET, 81], // SCM_TS_OPT_ID
  [SOL_IP, 1], // IP_TOS
  [SOL_IP, 2], // IP_TTL
  [SOL_IPV6, 52], // IPV6_HOPLIMIT
  [SOL_IPV6, 62], // IPV6_DONTFRAG
  [SOL_IPV6, 67], // IPV6_TCLASS
  [SOL_UDP, UDP_SEGMENT],
];

/**
 * Options of IPv4 that change nothing about where a message goes. Not here are
 * IP_OPTIONS (a route of the program's own), IP_FREEBIND, IP_TRANSPARENT,
 * IP_UNICAST_IF, IP_LOCAL_PORT_RANGE (it aims the kernel's choice), and groups to join, by which a message leaves as well.
 */
export const HARMLESS_IP_OPTIONS: readonly number[] = [
  1, // IP_TOS
  2, // IP_TTL
  6, // IP_RECVOPTS
  7, // IP_RETOPTS
  8, // IP_PKTINFO
  10, // IP_MTU_DISCOVER
  11, // IP_RECVERR
  12, // IP_RECVTTL
  13, // IP_RECVTOS
  14, // IP_MTU
  20, // IP_RECVORIGDSTADDR
  21, // IP_MINTTL
  23, // IP_CHECKSUM
  24, // IP_BIND_ADDRESS_NO_PORT
  25, // IP_RECVFRAGSIZE
  26, // IP_RECVERR_RFC4884
  33, // IP_MULTICAST_TTL
  34, // IP_MULTICAST_LOOP
  49, // IP_MULTICAST_ALL
];

/** The same for IPv6. Not here are IPV6_RTHDR, IPV6_2292PKTOPTIONS and IPV6_PKTINFO. */
export const HARMLESS_IPV6_OPTIONS: readonly number[] = [
  16, // IPV6_UNICAST_HOPS
  18, // IPV6_MULTICAST_HOPS
  19, // IPV6_MULTICAST_LOOP
  23, // IPV6_MTU_DISCOVER
  24, // IPV6_MTU
  25, // IPV6_RECVERR
  26, // IPV6_V6ONLY
  29, // IPV6_MULTICAST_ALL
  31, // IPV6_RECVERR_RFC4884
  49, // IPV6_RECVPKTINFO
  51, // IPV6_RECVHOPLIMIT
  53, // IPV6_RECVHOPOPTS
  56, // IPV6_RECVRTHDR
  58, // IPV6_RECVDSTOPTS
  60, // IPV6_RECVPATHMTU
  62, // IPV6_DONTFRAG
  66, // IPV6_RECVTCLASS
  67, // IPV6_TCLASS
  70, // IPV6_AUTOFLOWLABEL
  72, // IPV6_ADDR_PREFERENCES
  73, // IPV6_MINHOPCOUNT
  74, // IPV6_RECVORIGDSTADDR
  77, // IPV6_RECVFRAGSIZE
];

/**
 * The same for TCP. Not here are TCP_REPAIR and its kind, TCP_ULP, keys, and
 * TCP_FASTOPEN_CONNECT, which has a connect(2) change the socket alone.
 */
export const HARMLESS_TCP_OPTIONS: readonly number[] = [
  1, // TCP_NODELAY
  2, // TCP_MAXSEG
  3, // TCP_CORK
  4, // TCP_KEEPIDLE
  5, // TCP_KEEPINTVL
  6, // TCP_KEEPCNT
  7, // TCP_SYNCNT
  8, // TCP_LINGER2
  9, // TCP_DEFER_ACCEPT
  10, // TCP_WINDOW_CLAMP
  12, // TCP_QUICKACK
  13, // TCP_CONGESTION
  16, // TCP_THIN_LINEAR_TIMEOUTS
  17, // TCP_THIN_DUPACK
  18, // TCP_USER_TIMEOUT
  23, // TCP_FASTOPEN
  25, // TCP_NOTSENT_LOWAT
  27, // TCP_SAVE_SYN
  33, // TCP_FASTOPEN_KEY
  34, // TCP_FASTOPEN_NO_COOKIE
  35, // TCP_ZEROCOPY_RECEIVE
  36, // TCP_INQ
  37, // TCP_TX_DELAY
];

/** The same for UDP, include/uapi/linux/udp.h. Not here are UDP_CORK and UDP_ENCAP. */
export const HARMLESS_UDP_OPTIONS: readonly number[] = [
  101, // UDP_NO_CHECK6_TX
  102, // UDP_NO_CHECK6_RX
  103, // UDP_SEGMENT
  104, // UDP_GRO
];

/** Options of IPv4, and of IPv6, that join or leave a group, or hear less of one. */
const GROUP_OPTIONS: readonly (readonly [number, string])[] = [
  [42, "MCAST_JOIN_GROUP"],
  [43, "MCAST_BLOCK_SOURCE"],
  [44, "MCAST_UNBLOCK_SOURCE"],
  [45, "MCAST_LEAVE_GROUP"],
  [46, "MCAST_JOIN_SOURCE_GROUP"],
  [47, "MCAST_LEAVE_SOURCE_GROUP"],
  [48, "MCAST_MSFILTER"],
];

/** What IPv4 has besides, with the interface that a message to a group leaves by. */
const IP_GROUP_OPTIONS: typeof GROUP_OPTIONS = [
  [32, "IP_MULTICAST_IF"],
  [35, "IP_ADD_MEMBERSHIP"],
  [36, "IP_DROP_MEMBERSHIP"],
  [37, "IP_UNBLOCK_SOURCE"],
  [38, "IP_BLOCK_SOURCE"],
  [39, "IP_ADD_SOURCE_MEMBERSHIP"],
  [40, "IP_DROP_SOURCE_MEMBERSHIP"],
  [41, "IP_MSFILTER"],
  ...GROUP_OPTIONS,
];

/** The same for IPv6. */
const IPV6_GROUP_OPTIONS: typeof GROUP_OPTIONS = [
  [17, "IPV6_MULTICAST_IF"],
  [20, "IPV6_ADD_MEMBERSHIP"],
  [21, "IPV6_DROP_MEMBERSHIP"],
  ...GROUP_OPTIONS,
];

/** Options of IPv4 that join a group, or choose the interface of what is sent to one. */
export const IP_GROUPS: readonly number[] = IP_GROUP_OPTIONS.map(([n]) => n);

/** The same for IPv6. */
export const IPV6_GROUPS: readonly number[] = IPV6_GROUP_OPTIONS.map(([n]) =>
  n
);

/** The ports that the kernel chooses from, of one socket; include/uapi/linux/in.h. */
export const IP_LOCAL_PORT_RANGE = 51;

/** What options are called that rules of the network refuse: by level, and number. */
export const OPTION_NAMES: ReadonlyMap<
  number,
  readonly (readonly [number, string])[]
> = new Map([
  [SOL_IP, [
    [4, "IP_OPTIONS"],
    [15, "IP_FREEBIND"],
    [19, "IP_TRANSPARENT"],
    ...IP_GROUP_OPTIONS,
    [50, "IP_UNICAST_IF"],
    [IP_LOCAL_PORT_RANGE, "IP_LOCAL_PORT_RANGE"],
  ]],
  [SOL_IPV6, [
    ...IPV6_GROUP_OPTIONS,
    [50, "IPV6_PKTINFO"],
    [57, "IPV6_RTHDR"],
    [75, "IPV6_TRANSPARENT"],
    [76, "IPV6_UNICAST_IF"],
    [78, "IPV6_FREEBIND"],
  ]],
  [SOL_TCP, [[19, "TCP_REPAIR"], [31, "TCP_ULP"]]],
  [SOL_UDP, [[UDP_CORK, "UDP_CORK"], [100, "UDP_ENCAP"]]],
]);
