/** Error numbers from `include/uapi/asm-generic/errno.h` and `errno-base.h`. */

/** The name of an error number, as the kernel spells it. */
export type ErrnoName =
  | "EPERM"
  | "ENOENT"
  | "ESRCH"
  | "EINTR"
  | "EIO"
  | "ENXIO"
  | "E2BIG"
  | "ENOEXEC"
  | "EBADF"
  | "ECHILD"
  | "EAGAIN"
  | "ENOMEM"
  | "EACCES"
  | "EFAULT"
  | "ENOTBLK"
  | "EBUSY"
  | "EEXIST"
  | "EXDEV"
  | "ENODEV"
  | "ENOTDIR"
  | "EISDIR"
  | "EINVAL"
  | "ENFILE"
  | "EMFILE"
  | "ENOTTY"
  | "ETXTBSY"
  | "EFBIG"
  | "ENOSPC"
  | "ESPIPE"
  | "EROFS"
  | "EMLINK"
  | "EPIPE"
  | "EDOM"
  | "ERANGE"
  | "EDEADLK"
  | "ENAMETOOLONG"
  | "ENOLCK"
  | "ENOSYS"
  | "ENOTEMPTY"
  | "ELOOP"
  | "ENOMSG"
  | "EIDRM"
  | "ECHRNG"
  | "EL2NSYNC"
  | "EL3HLT"
  | "EL3RST"
  | "ELNRNG"
  | "EUNATCH"
  | "ENOCSI"
  | "EL2HLT"
  | "EBADE"
  | "EBADR"
  | "EXFULL"
  | "ENOANO"
  | "EBADRQC"
  | "EBADSLT"
  | "EBFONT"
  | "ENOSTR"
  | "ENODATA"
  | "ETIME"
  | "ENOSR"
  | "ENONET"
  | "ENOPKG"
  | "EREMOTE"
  | "ENOLINK"
  | "EADV"
  | "ESRMNT"
  | "ECOMM"
  | "EPROTO"
  | "EMULTIHOP"
  | "EDOTDOT"
  | "EBADMSG"
  | "EOVERFLOW"
  | "ENOTUNIQ"
  | "EBADFD"
  | "EREMCHG"
  | "ELIBACC"
  | "ELIBBAD"
  | "ELIBSCN"
  | "ELIBMAX"
  | "ELIBEXEC"
  | "EILSEQ"
  | "ERESTART"
  | "ESTRPIPE"
  | "EUSERS"
  | "ENOTSOCK"
  | "EDESTADDRREQ"
  | "EMSGSIZE"
  | "EPROTOTYPE"
  | "ENOPROTOOPT"
  | "EPROTONOSUPPORT"
  | "ESOCKTNOSUPPORT"
  | "EOPNOTSUPP"
  | "EPFNOSUPPORT"
  | "EAFNOSUPPORT"
  | "EADDRINUSE"
  | "EADDRNOTAVAIL"
  | "ENETDOWN"
  | "ENETUNREACH"
  | "ENETRESET"
  | "ECONNABORTED"
  | "ECONNRESET"
  | "ENOBUFS"
  | "EISCONN"
  | "ENOTCONN"
  | "ESHUTDOWN"
  | "ETOOMANYREFS"
  | "ETIMEDOUT"
  | "ECONNREFUSED"
  | "EHOSTDOWN"
  | "EHOSTUNREACH"
  | "EALREADY"
  | "EINPROGRESS"
  | "ESTALE"
  | "EUCLEAN"
  | "ENOTNAM"
  | "ENAVAIL"
  | "EISNAM"
  | "EREMOTEIO"
  | "EDQUOT"
  | "ENOMEDIUM"
  | "EMEDIUMTYPE"
  | "ECANCELED"
  | "ENOKEY"
  | "EKEYEXPIRED"
  | "EKEYREVOKED"
  | "EKEYREJECTED"
  | "EOWNERDEAD"
  | "ENOTRECOVERABLE"
  | "ERFKILL"
  | "EHWPOISON";

/** Operation not permitted. */
export const EPERM = 1;
/** No such file or directory. */
export const ENOENT = 2;
/** No such process. */
export const ESRCH = 3;
/** Interrupted system call. */
export const EINTR = 4;
/** I/O error. */
export const EIO = 5;
/** No such device or address. */
export const ENXIO = 6;
/** Argument list too long. */
export const E2BIG = 7;
/** Exec format error. */
export const ENOEXEC = 8;
/** Bad file descriptor. */
export const EBADF = 9;
/** No child processes. */
export const ECHILD = 10;
/** Try again; also spelled `EWOULDBLOCK`. */
export const EAGAIN = 11;
/** Out of memory. */
export const ENOMEM = 12;
/** Permission denied. */
export const EACCES = 13;
/** Bad address. */
export const EFAULT = 14;
/** Block device required. */
export const ENOTBLK = 15;
/** Device or resource busy. */
export const EBUSY = 16;
/** File exists. */
export const EEXIST = 17;
/** Cross-device link. */
export const EXDEV = 18;
/** No such device. */
export const ENODEV = 19;
/** Not a directory. */
export const ENOTDIR = 20;
/** Is a directory. */
export const EISDIR = 21;
/** Invalid argument. */
export const EINVAL = 22;
/** File table overflow. */
export const ENFILE = 23;
/** Too many open files. */
export const EMFILE = 24;
/** Not a terminal, or not a request it knows. */
export const ENOTTY = 25;
/** Text file busy. */
export const ETXTBSY = 26;
/** File too large. */
export const EFBIG = 27;
/** No space left on device. */
export const ENOSPC = 28;
/** Illegal seek. */
export const ESPIPE = 29;
/** Read-only file system. */
export const EROFS = 30;
/** Too many links. */
export const EMLINK = 31;
/** Broken pipe. */
export const EPIPE = 32;
/** Math argument out of domain of func. */
export const EDOM = 33;
/** Math result not representable. */
export const ERANGE = 34;
/** A deadlock would occur; also spelled `EDEADLOCK`. */
export const EDEADLK = 35;
/** File name too long. */
export const ENAMETOOLONG = 36;
/** No record locks available. */
export const ENOLCK = 37;
/** No such system call. */
export const ENOSYS = 38;
/** Directory not empty. */
export const ENOTEMPTY = 39;
/** Too many symbolic links encountered. */
export const ELOOP = 40;
/** No message of desired type. */
export const ENOMSG = 42;
/** Identifier removed. */
export const EIDRM = 43;
/** Channel number out of range. */
export const ECHRNG = 44;
/** Level 2 not synchronized. */
export const EL2NSYNC = 45;
/** Level 3 halted. */
export const EL3HLT = 46;
/** Level 3 reset. */
export const EL3RST = 47;
/** Link number out of range. */
export const ELNRNG = 48;
/** Protocol driver not attached. */
export const EUNATCH = 49;
/** No CSI structure available. */
export const ENOCSI = 50;
/** Level 2 halted. */
export const EL2HLT = 51;
/** Invalid exchange. */
export const EBADE = 52;
/** Invalid request descriptor. */
export const EBADR = 53;
/** Exchange full. */
export const EXFULL = 54;
/** No anode. */
export const ENOANO = 55;
/** Invalid request code. */
export const EBADRQC = 56;
/** Invalid slot. */
export const EBADSLT = 57;
/** Bad font file format. */
export const EBFONT = 59;
/** Device not a stream. */
export const ENOSTR = 60;
/** No data available. */
export const ENODATA = 61;
/** Timer expired. */
export const ETIME = 62;
/** Out of streams resources. */
export const ENOSR = 63;
/** Machine is not on the network. */
export const ENONET = 64;
/** Package not installed. */
export const ENOPKG = 65;
/** Object is remote. */
export const EREMOTE = 66;
/** Link has been severed. */
export const ENOLINK = 67;
/** Advertise error. */
export const EADV = 68;
/** Srmount error. */
export const ESRMNT = 69;
/** Communication error on send. */
export const ECOMM = 70;
/** Protocol error. */
export const EPROTO = 71;
/** Multihop attempted. */
export const EMULTIHOP = 72;
/** RFS specific error. */
export const EDOTDOT = 73;
/** Not a data message. */
export const EBADMSG = 74;
/** Value too large for defined data type. */
export const EOVERFLOW = 75;
/** Name not unique on network. */
export const ENOTUNIQ = 76;
/** File descriptor in bad state. */
export const EBADFD = 77;
/** Remote address changed. */
export const EREMCHG = 78;
/** Can not access a needed shared library. */
export const ELIBACC = 79;
/** Accessing a corrupted shared library. */
export const ELIBBAD = 80;
/** .lib section in a.out corrupted. */
export const ELIBSCN = 81;
/** Attempting to link in too many shared libraries. */
export const ELIBMAX = 82;
/** Cannot exec a shared library directly. */
export const ELIBEXEC = 83;
/** Illegal byte sequence. */
export const EILSEQ = 84;
/** Interrupted system call should be restarted. */
export const ERESTART = 85;
/** Streams pipe error. */
export const ESTRPIPE = 86;
/** Too many users. */
export const EUSERS = 87;
/** Socket operation on non-socket. */
export const ENOTSOCK = 88;
/** Destination address required. */
export const EDESTADDRREQ = 89;
/** Message too long. */
export const EMSGSIZE = 90;
/** Protocol wrong type for socket. */
export const EPROTOTYPE = 91;
/** Protocol not available. */
export const ENOPROTOOPT = 92;
/** Protocol not supported. */
export const EPROTONOSUPPORT = 93;
/** Socket type not supported. */
export const ESOCKTNOSUPPORT = 94;
/** Operation not supported; `ENOTSUP` in C. */
export const EOPNOTSUPP = 95;
/** Protocol family not supported. */
export const EPFNOSUPPORT = 96;
/** Address family not supported by protocol. */
export const EAFNOSUPPORT = 97;
/** Address already in use. */
export const EADDRINUSE = 98;
/** Cannot assign requested address. */
export const EADDRNOTAVAIL = 99;
/** Network is down. */
export const ENETDOWN = 100;
/** Network is unreachable. */
export const ENETUNREACH = 101;
/** Network dropped connection because of reset. */
export const ENETRESET = 102;
/** Software caused connection abort. */
export const ECONNABORTED = 103;
/** Connection reset by peer. */
export const ECONNRESET = 104;
/** No buffer space available. */
export const ENOBUFS = 105;
/** Transport endpoint is already connected. */
export const EISCONN = 106;
/** Transport endpoint is not connected. */
export const ENOTCONN = 107;
/** Cannot send after transport endpoint shutdown. */
export const ESHUTDOWN = 108;
/** Too many references: cannot splice. */
export const ETOOMANYREFS = 109;
/** Connection timed out. */
export const ETIMEDOUT = 110;
/** Connection refused. */
export const ECONNREFUSED = 111;
/** Host is down. */
export const EHOSTDOWN = 112;
/** No route to host. */
export const EHOSTUNREACH = 113;
/** Operation already in progress. */
export const EALREADY = 114;
/** Operation now in progress. */
export const EINPROGRESS = 115;
/** Stale file handle. */
export const ESTALE = 116;
/** Structure needs cleaning. */
export const EUCLEAN = 117;
/** Not a XENIX named type file. */
export const ENOTNAM = 118;
/** No XENIX semaphores available. */
export const ENAVAIL = 119;
/** Is a named type file. */
export const EISNAM = 120;
/** Remote I/O error. */
export const EREMOTEIO = 121;
/** Quota exceeded. */
export const EDQUOT = 122;
/** No medium found. */
export const ENOMEDIUM = 123;
/** Wrong medium type. */
export const EMEDIUMTYPE = 124;
/** Operation Canceled. */
export const ECANCELED = 125;
/** Required key not available. */
export const ENOKEY = 126;
/** Key has expired. */
export const EKEYEXPIRED = 127;
/** Key has been revoked. */
export const EKEYREVOKED = 128;
/** Key was rejected by service. */
export const EKEYREJECTED = 129;
/** Owner died. */
export const EOWNERDEAD = 130;
/** State not recoverable. */
export const ENOTRECOVERABLE = 131;
/** Operation not possible due to RF-kill. */
export const ERFKILL = 132;
/** Memory page has hardware error. */
export const EHWPOISON = 133;

/** The number of each name; it is the same on x86-64 and arm64. */
export const ERRNO: Readonly<Record<ErrnoName, number>> = {
  EPERM,
  ENOENT,
  ESRCH,
  EINTR,
  EIO,
  ENXIO,
  E2BIG,
  ENOEXEC,
  EBADF,
  ECHILD,
  EAGAIN,
  ENOMEM,
  EACCES,
  EFAULT,
  ENOTBLK,
  EBUSY,
  EEXIST,
  EXDEV,
  ENODEV,
  ENOTDIR,
  EISDIR,
  EINVAL,
  ENFILE,
  EMFILE,
  ENOTTY,
  ETXTBSY,
  EFBIG,
  ENOSPC,
  ESPIPE,
  EROFS,
  EMLINK,
  EPIPE,
  EDOM,
  ERANGE,
  EDEADLK,
  ENAMETOOLONG,
  ENOLCK,
  ENOSYS,
  ENOTEMPTY,
  ELOOP,
  ENOMSG,
  EIDRM,
  ECHRNG,
  EL2NSYNC,
  EL3HLT,
  EL3RST,
  ELNRNG,
  EUNATCH,
  ENOCSI,
  EL2HLT,
  EBADE,
  EBADR,
  EXFULL,
  ENOANO,
  EBADRQC,
  EBADSLT,
  EBFONT,
  ENOSTR,
  ENODATA,
  ETIME,
  ENOSR,
  ENONET,
  ENOPKG,
  EREMOTE,
  ENOLINK,
  EADV,
  ESRMNT,
  ECOMM,
  EPROTO,
  EMULTIHOP,
  EDOTDOT,
  EBADMSG,
  EOVERFLOW,
  ENOTUNIQ,
  EBADFD,
  EREMCHG,
  ELIBACC,
  ELIBBAD,
  ELIBSCN,
  ELIBMAX,
  ELIBEXEC,
  EILSEQ,
  ERESTART,
  ESTRPIPE,
  EUSERS,
  ENOTSOCK,
  EDESTADDRREQ,
  EMSGSIZE,
  EPROTOTYPE,
  ENOPROTOOPT,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
  EOPNOTSUPP,
  EPFNOSUPPORT,
  EAFNOSUPPORT,
  EADDRINUSE,
  EADDRNOTAVAIL,
  ENETDOWN,
  ENETUNREACH,
  ENETRESET,
  ECONNABORTED,
  ECONNRESET,
  ENOBUFS,
  EISCONN,
  ENOTCONN,
  ESHUTDOWN,
  ETOOMANYREFS,
  ETIMEDOUT,
  ECONNREFUSED,
  EHOSTDOWN,
  EHOSTUNREACH,
  EALREADY,
  EINPROGRESS,
  ESTALE,
  EUCLEAN,
  ENOTNAM,
  ENAVAIL,
  EISNAM,
  EREMOTEIO,
  EDQUOT,
  ENOMEDIUM,
  EMEDIUMTYPE,
  ECANCELED,
  ENOKEY,
  EKEYEXPIRED,
  EKEYREVOKED,
  EKEYREJECTED,
  EOWNERDEAD,
  ENOTRECOVERABLE,
  ERFKILL,
  EHWPOISON,
};

// Never seen by a program: `include/linux/errno.h`. A tracer meets them at the
// exit stop of a call that a signal interrupted.

/** Restart the call if the handler asked for that (`SA_RESTART`). */
export const ERESTARTSYS = 512;
/** Restart the call always. */
export const ERESTARTNOINTR = 513;
/** Restart the call unless a handler runs. */
export const ERESTARTNOHAND = 514;
/** A driver does not know the request; some filesystems let it escape. */
export const ENOIOCTLCMD = 515;
/** Restart by way of `restart_syscall`. */
export const ERESTART_RESTARTBLOCK = 516;

const NAMES: readonly (ErrnoName | undefined)[] = (() => {
  const names: (ErrnoName | undefined)[] = [];
  for (const name of Object.keys(ERRNO) as ErrnoName[]) {
    names[ERRNO[name]] = name;
  }
  return names;
})();

/**
 * The name of an error number.
 *
 * @param errno the number, positive or (as a system call returns it) negative
 * @returns its name
 * @throws {RangeError} where no error has that number
 */
export function errnoName(errno: number): ErrnoName {
  const name = NAMES[Math.abs(errno)];
  if (name === undefined) {
    throw new RangeError(`Cannot name error number ${errno}: there is none`);
  }
  return name;
}

/**
 * Tells whether text is the name of an error number.
 *
 * @param text the text
 * @returns whether {@linkcode ERRNO} has it
 */
export function isErrnoName(text: string): text is ErrnoName {
  return Object.hasOwn(ERRNO, text);
}

/** `MAX_ERRNO` of `include/linux/err.h`. */
const MAX_ERRNO = 4095;

/**
 * Tells whether a call can seem to return a value without being made: a filter
 * makes it fail with an errno, and 0 is none.
 *
 * @param value what the call would return
 * @returns whether it is 0, or a negated errno
 */
export function isErrnoResult(value: number): boolean {
  return value <= 0 && value >= -MAX_ERRNO;
}
