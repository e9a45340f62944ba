/** Constants from `include/linux/socket.h` and the headers of address families. */

// include/linux/socket.h: address families.
/** Sockets of this machine. */
export const AF_UNIX = 1;
/** IPv4. */
export const AF_INET = 2;
/** IPv6. */
export const AF_INET6 = 10;
/** Talk to the kernel. */
export const AF_NETLINK = 16;

// include/linux/net.h: types of sockets.
/** A stream. */
export const SOCK_STREAM = 1;
/** Datagrams. */
export const SOCK_DGRAM = 2;
/** Packets as they are on the wire. */
export const SOCK_RAW = 3;
/** A connection that keeps the ends of messages. */
export const SOCK_SEQPACKET = 5;
/** The bits of the type; the others are flags. */
export const SOCK_TYPE_MASK = 0xf;

// include/uapi/linux/in.h: protocols.
/** The usual one for the type. */
export const IPPROTO_IP = 0;
/** Echo requests, with SOCK_DGRAM. */
export const IPPROTO_ICMP = 1;
/** TCP. */
export const IPPROTO_TCP = 6;
/** UDP. */
export const IPPROTO_UDP = 17;
/** Echo requests over IPv6. */
export const IPPROTO_ICMPV6 = 58;
/** UDP with a partial checksum. */
export const IPPROTO_UDPLITE = 136;
/** TCP over several paths. */
export const IPPROTO_MPTCP = 262;

// include/uapi/linux/netlink.h
/** Interfaces, addresses and routes. */
export const NETLINK_ROUTE = 0;

// include/uapi/asm-generic/socket.h: levels and options.
/** Options of every socket. */
export const SOL_SOCKET = 1;
/** Messages carry a pidfd of their sender. */
export const SO_PASSPIDFD = 76;
/** A pidfd of the process at the other end. */
export const SO_PEERPIDFD = 77;

/** The type of a socket, include/uapi/asm-generic/socket.h. */
export const SO_TYPE = 3;

// include/uapi/linux/un.h and include/uapi/linux/socket.h
/** Where the path is in a `struct sockaddr_un`, in bytes. */
export const SUN_PATH_OFFSET = 2;
/** How long it may be, with its NUL: UNIX_PATH_MAX. */
export const SUN_PATH_SIZE = 108;
/** The longest address that the kernel takes, in bytes. */
export const SOCKADDR_STORAGE_SIZE = 128;
