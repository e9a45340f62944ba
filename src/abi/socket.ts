/** Constants from `include/linux/socket.h` and the headers of address families. */

import type { Layout } from "./layout.ts";

// include/linux/socket.h: address families.
/** None: by it connect(2) lets go of the other end. */
export const AF_UNSPEC = 0;
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
/** Flag of a type: calls do not wait. */
export const SOCK_NONBLOCK = 0o4000;
/** Flag of a type: closed at exec. */
export const SOCK_CLOEXEC = 0o2000000;
/** Flag of a message: no SIGPIPE where nobody listens. */
export const MSG_NOSIGNAL = 0x4000;

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
/** Who is at the other end of a unix socket, or listens at this one: `UCRED`. */
export const SO_PEERCRED = 17;
/** What `SO_PEERCRED` says of nobody's user id, net/core/sock.c. */
export const NO_PEER = 2 ** 32 - 1;

/** `struct ucred`, include/linux/socket.h. */
export const UCRED: Layout<"uid"> = {
  size: 12,
  // deno-fmt-ignore
  fields: {
    uid: [4, "u32"], // __u32 uid
  },
};

/** The type of a socket, include/uapi/asm-generic/socket.h. */
export const SO_TYPE = 3;

// include/uapi/linux/un.h and include/uapi/linux/socket.h
/** Where the path is in a `struct sockaddr_un`, in bytes. */
export const SUN_PATH_OFFSET = 2;
/** How long it may be, with its NUL: UNIX_PATH_MAX. */
export const SUN_PATH_SIZE = 108;
/** The longest address that the kernel takes, in bytes. */
export const SOCKADDR_STORAGE_SIZE = 128;

/**
 * `struct sockaddr_in`, include/uapi/linux/in.h; the kernel takes none that is
 * shorter.
 */
export const SOCKADDR_IN: Layout<"sin_family" | "sin_port"> = {
  size: 16,
  // deno-fmt-ignore
  fields: {
    sin_family: [0, "u16"],  // __kernel_sa_family_t sin_family
    sin_port:   [2, "be16"], // __be16 sin_port
  },
};
/** Where `sin_addr` is in it, four bytes. */
export const SIN_ADDR_OFFSET = 4;

/** `struct sockaddr_in6`, include/uapi/linux/in6.h. */
export const SOCKADDR_IN6: Layout<
  "sin6_family" | "sin6_port" | "sin6_scope_id"
> = {
  size: 28,
  // deno-fmt-ignore
  fields: {
    sin6_family:   [ 0, "u16"],  // unsigned short int sin6_family
    sin6_port:     [ 2, "be16"], // __be16 sin6_port
    sin6_scope_id: [24, "u32"],  // __u32 sin6_scope_id
  },
};
/** Where `sin6_addr` is in it, sixteen bytes. */
export const SIN6_ADDR_OFFSET = 8;
/** The shortest one that the kernel takes: SIN6_LEN_RFC2133 in include/net/ipv6.h. */
export const SOCKADDR_IN6_SHORT_SIZE = 24;

/** `struct sockaddr_nl`, include/uapi/linux/netlink.h. */
export const SOCKADDR_NL: Layout<"nl_pid" | "nl_groups"> = {
  size: 12,
  // deno-fmt-ignore
  fields: {
    nl_pid:    [4, "u32"], // __u32 nl_pid
    nl_groups: [8, "u32"], // __u32 nl_groups
  },
};

/** `struct user_msghdr`, include/linux/socket.h. */
export const MSGHDR: Layout<
  | "msg_name"
  | "msg_namelen"
  | "msg_iov"
  | "msg_iovlen"
  | "msg_control"
  | "msg_controllen"
  | "msg_flags"
> = {
  size: 56,
  // deno-fmt-ignore
  fields: {
    msg_name:       [ 0, "u64"], // void *msg_name
    msg_namelen:    [ 8, "i32"], // int msg_namelen
    msg_iov:        [16, "u64"], // struct iovec *msg_iov
    msg_iovlen:     [24, "u64"], // __kernel_size_t msg_iovlen
    msg_control:    [32, "u64"], // void *msg_control
    msg_controllen: [40, "u64"], // __kernel_size_t msg_controllen
    msg_flags:      [48, "u32"], // unsigned int msg_flags
  },
};

/** A `struct mmsghdr`, in bytes: a `struct user_msghdr`, and `msg_len`. */
export const MMSGHDR_SIZE = 64;
/** Where `msg_len` is in a `struct mmsghdr`, 32 bits. */
export const MMSGHDR_LEN_OFFSET = 56;
/** Send to whoever is on the same link alone, whatever routes say. */
export const MSG_DONTROUTE = 0x4;
/** Receive something, and leave it there. */
export const MSG_PEEK = 0x2;
/** Receive all that there is room for. */
export const MSG_WAITALL = 0x100;
/** Come back where it would have to wait. */
export const MSG_DONTWAIT = 0x40;
/** Keep this back until more comes. */
export const MSG_MORE = 0x8000;
/** A flag of a message, which connects a TCP socket first, by its address. */
export const MSG_FASTOPEN = 0x2000_0000;
/** The most messages of one sendmmsg(2): UIO_MAXIOV, include/uapi/linux/uio.h. */
export const MMSGHDR_MAX = 1024;

/** `struct cmsghdr`, include/linux/socket.h; each begins at a multiple of 8. */
export const CMSGHDR: Layout<"cmsg_len" | "cmsg_level" | "cmsg_type"> = {
  size: 16,
  // deno-fmt-ignore
  fields: {
    cmsg_len:   [ 0, "u64"], // __kernel_size_t cmsg_len
    cmsg_level: [ 8, "i32"], // int cmsg_level
    cmsg_type:  [12, "i32"], // int cmsg_type
  },
};

/** shutdown(2): nothing is received any more, include/linux/net.h. */
export const SHUT_RD = 0;
/** Nothing is sent any more. */
export const SHUT_WR = 1;

// include/linux/socket.h: levels of options.
/** IPv4. */
export const SOL_IP = 0;
/** TCP. */
export const SOL_TCP = 6;
/** Several of them that are one. */
export const SOL_MPTCP = 284;
/** UDP. */
export const SOL_UDP = 17;
/** IPv6. */
export const SOL_IPV6 = 41;
/** Netlink. */
export const SOL_NETLINK = 270;
/** TLS, made by the kernel. */
export const SOL_TLS = 282;

// include/uapi/asm-generic/socket.h: options of every socket.
/** Bind to an address that is in use, as far as the protocol lets that happen. */
export const SO_REUSEADDR = 2;
/** Send to what is directly connected alone. */
export const SO_DONTROUTE = 5;
/** Send to all who hear as well. */
export const SO_BROADCAST = 6;
/** Be told who sends. */
export const SO_PASSCRED = 16;
/** Wait at the end until all is sent: `struct linger`, two `int`. */
export const SO_LINGER = 13;
/** Share an address with other sockets that say so too. */
export const SO_REUSEPORT = 15;
/** Give the socket the address of an interface. */
export const SO_BINDTODEVICE = 25;
/** A filter for what is received. */
export const SO_ATTACH_FILTER = 26;
/** getsockopt(2): the filter that it has, of so many instructions. */
export const SO_GET_FILTER = 26;
/** Take the filter away. */
export const SO_DETACH_FILTER = 27;
/** A mark that routes can depend on. */
export const SO_MARK = 36;
/** How long who receives waits at most: two numbers of 64 bits, as a `timeval` has. */
export const SO_RCVTIMEO = 20;
/** The same of who sends. */
export const SO_SNDTIMEO = 21;
/** The family. */
export const SO_DOMAIN = 39;
/** Whether it listens. */
export const SO_ACCEPTCONN = 30;
/** Which protocol a socket speaks. */
export const SO_PROTOCOL = 38;
/** Nobody may take the filter away. */
export const SO_LOCK_FILTER = 44;
/** On which processor it is preferred among sockets of one port. */
export const SO_INCOMING_CPU = 49;
/** A filter for what is received, as eBPF. */
export const SO_ATTACH_BPF = 50;
/** Choose between sockets of one port. */
export const SO_ATTACH_REUSEPORT_CBPF = 51;
/** The same, as eBPF. */
export const SO_ATTACH_REUSEPORT_EBPF = 52;
/** When a message came, or went: SO_TIMESTAMP, its kin, and their newer numbers. */
export const SO_STAMPS: readonly number[] = [29, 35, 37, 63, 64, 65];
/**
 * Options of packets, RFC 791: the kernel puts the time of day in one of them.
 * IP_OPTIONS, IP_RECVOPTS, IP_RETOPTS; include/uapi/linux/in.h.
 */
export const IP_STAMPS: readonly number[] = [4, 6, 7];
/** A number that tells a socket from all others, ever. */
export const SO_COOKIE = 57;
/** What is sent may stay in the memory of who sends it: msg_zerocopy.rst. */
export const SO_ZEROCOPY = 60;
/** As SO_BINDTODEVICE, by index. */
export const SO_BINDTOIFINDEX = 62;
/** Do not choose any more. */
export const SO_DETACH_REUSEPORT_BPF = 68;

/** What a TCP socket does, include/uapi/linux/tcp.h; `tcpi_state` is the first byte. */
export const TCP_INFO = 11;
/** Where `tcpi_advmss` is in a `struct tcp_info`, 32 bits: 0 before it first connects. */
export const TCPI_ADVMSS_OFFSET = 84;
/**
 * Keys that whoever connects must have, RFC 2385 and 5925: TCP_MD5SIG, TCP_MD5SIG_EXT,
 * TCP_AO_ADD_KEY, TCP_AO_DEL_KEY, TCP_AO_INFO.
 */
export const TCP_KEYS: readonly number[] = [14, 32, 38, 39, 40];
/** Nobody hears of a connection before something was sent by it. */
export const TCP_DEFER_ACCEPT = 9;
/** A connect(2) waits for what is sent first. */
export const TCP_FASTOPEN_CONNECT = 30;
/** The clock of its packets. */
export const TCP_TIMESTAMP = 24;
/** What its way of sending has measured. */
export const TCP_CC_INFO = 26;
/** The packet that a connection began with, which has the time of that clock. */
export const TCP_SAVED_SYN = 28;
/** It does nothing, include/net/tcp_states.h. */
export const TCP_CLOSE = 7;
/** It listens. */
export const TCP_LISTEN = 10;
/** Keep back what is sent until more comes, include/uapi/linux/udp.h. */
export const UDP_CORK = 1;
/** Take what comes for packets of IPsec, which no program gets. */
export const UDP_ENCAP = 100;
/** Hear nobody whose packets have come by more than so many routers. */
export const IP_MINTTL = 21;
/** The same of IPv6. */
export const IPV6_MINHOPCOUNT = 73;
/** Split one message into many, include/uapi/linux/udp.h. */
export const UDP_SEGMENT = 103;

// Control messages: include/linux/socket.h, include/uapi/linux/in.h and in6.h.
/** Descriptors. */
export const SCM_RIGHTS = 1;
/** Who the sender is. */
export const SCM_CREDENTIALS = 2;
/** The address and the interface that a message leaves by. */
export const IP_PKTINFO = 8;
/** The same, for IPv6. */
export const IPV6_PKTINFO = 50;
/** Where the interface is in a `struct in6_pktinfo`, in bytes; 0 in `in_pktinfo`. */
export const IN6_PKTINFO_IFINDEX_OFFSET = 16;
