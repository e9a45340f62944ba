/** The commands of prctl(2), fcntl(2) and ioctl(2) that are not closed. */

import * as fcntl from "../../abi/fcntl.ts";
import * as ioctl from "../../abi/ioctls.ts";
import * as prctl from "../../abi/prctl.ts";
import * as seccomp from "../../abi/seccomp.ts";
import * as x86 from "../../abi/x86_64.ts";

/** Options of prctl(2) that concern the caller alone. */
export const PRCTL_OPTIONS: readonly number[] = [
  prctl.PR_SET_NAME,
  prctl.PR_GET_NAME,
  prctl.PR_SET_VMA,
  prctl.PR_SET_NO_NEW_PRIVS,
  prctl.PR_GET_NO_NEW_PRIVS,
  prctl.PR_CAPBSET_READ,
  prctl.PR_CAPBSET_DROP,
  prctl.PR_SET_PDEATHSIG,
  prctl.PR_GET_PDEATHSIG,
  prctl.PR_GET_DUMPABLE,
  prctl.PR_GET_KEEPCAPS,
  prctl.PR_SET_KEEPCAPS,
  prctl.PR_GET_TIMING,
  prctl.PR_SET_TIMING,
  prctl.PR_GET_SECCOMP,
  prctl.PR_GET_TSC,
  prctl.PR_GET_SECUREBITS,
  prctl.PR_SET_TIMERSLACK,
  prctl.PR_GET_TIMERSLACK,
  prctl.PR_MCE_KILL,
  prctl.PR_MCE_KILL_GET,
  prctl.PR_SET_CHILD_SUBREAPER,
  prctl.PR_GET_CHILD_SUBREAPER,
  prctl.PR_GET_TID_ADDRESS,
  prctl.PR_SET_THP_DISABLE,
  prctl.PR_GET_THP_DISABLE,
  prctl.PR_CAP_AMBIENT, // only what the process is permitted already
  prctl.PR_SVE_SET_VL,
  prctl.PR_SVE_GET_VL,
  prctl.PR_GET_SPECULATION_CTRL,
  prctl.PR_SET_SPECULATION_CTRL,
  prctl.PR_PAC_RESET_KEYS,
  prctl.PR_SET_TAGGED_ADDR_CTRL,
  prctl.PR_GET_TAGGED_ADDR_CTRL,
  prctl.PR_PAC_SET_ENABLED_KEYS,
  prctl.PR_PAC_GET_ENABLED_KEYS,
  prctl.PR_SME_SET_VL,
  prctl.PR_SME_GET_VL,
  prctl.PR_SET_MDWE,
  prctl.PR_GET_MDWE,
  prctl.PR_GET_SHADOW_STACK_STATUS,
  prctl.PR_SET_SHADOW_STACK_STATUS,
  prctl.PR_LOCK_SHADOW_STACK_STATUS,
  prctl.PR_FUTEX_HASH,
  prctl.PR_GET_AUXV,
];

/** Options of arch_prctl(2) that concern the caller alone; not LAM. */
export const ARCH_PRCTL_OPTIONS: readonly number[] = [
  x86.ARCH_SET_FS,
  x86.ARCH_GET_FS,
  x86.ARCH_SET_GS,
  x86.ARCH_GET_GS,
  x86.ARCH_GET_CPUID,
  x86.ARCH_SET_CPUID,
  x86.ARCH_GET_XCOMP_SUPP,
  x86.ARCH_GET_XCOMP_PERM,
  x86.ARCH_REQ_XCOMP_PERM,
  x86.ARCH_SHSTK_ENABLE,
  x86.ARCH_SHSTK_DISABLE,
  x86.ARCH_SHSTK_LOCK,
  x86.ARCH_SHSTK_STATUS,
];

/** Commands of fcntl(2) that concern the descriptor and its file alone. */
export const FCNTL_COMMANDS: readonly number[] = [
  fcntl.F_GETFL,
  fcntl.F_SETFL,
  fcntl.F_GETFD,
  fcntl.F_SETFD,
  fcntl.F_DUPFD,
  fcntl.F_DUPFD_CLOEXEC,
  fcntl.F_GETLK,
  fcntl.F_SETLK,
  fcntl.F_SETLKW,
  fcntl.F_OFD_GETLK,
  fcntl.F_OFD_SETLK,
  fcntl.F_OFD_SETLKW,
  fcntl.F_GETOWN,
  fcntl.F_GETOWN_EX,
  fcntl.F_GETOWNER_UIDS,
  fcntl.F_GETSIG,
  fcntl.F_GETLEASE,
  fcntl.F_DUPFD_QUERY,
  fcntl.F_CREATED_QUERY,
  fcntl.F_SETPIPE_SZ,
  fcntl.F_GETPIPE_SZ,
  fcntl.F_ADD_SEALS,
  fcntl.F_GET_SEALS,
  fcntl.F_GET_RW_HINT,
  fcntl.F_GET_FILE_RW_HINT,
];

/** Commands of ioctl(2), for any socket, that find an interface by number or name. */
export const NAMES_INTERFACES: readonly number[] = [
  ioctl.SIOCGIFNAME,
  ioctl.SIOCGIFINDEX,
];

/** Those that tell what else there is to an interface: its addresses, first of all. */
export const TELLS_INTERFACES: readonly number[] = [
  ioctl.SIOCGIFCONF,
  ioctl.SIOCGIFFLAGS,
  ioctl.SIOCGIFADDR,
  ioctl.SIOCGIFDSTADDR,
  ioctl.SIOCGIFBRDADDR,
  ioctl.SIOCGIFNETMASK,
  ioctl.SIOCGIFMETRIC,
  ioctl.SIOCGIFMTU,
  ioctl.SIOCGIFHWADDR,
  ioctl.SIOCGIFTXQLEN,
];

/** Commands of ioctl(2) that set how a terminal is read, and what its keys do. */
export const TERMINAL_MODES: readonly number[] = [
  ...[ioctl.TCSETS, ioctl.TCSETSW, ioctl.TCSETSF],
  ...[ioctl.TCSETS2, ioctl.TCSETSW2, ioctl.TCSETSF2],
  ...[ioctl.TCSETA, ioctl.TCSETAW, ioctl.TCSETAF],
];

/** Commands of ioctl(2) that send something by a line, though nothing is written. */
export const TERMINAL_SIGNALS: readonly number[] = [
  ioctl.TCSBRK,
  ioctl.TCSBRKP,
  ioctl.TIOCSBRK,
  ioctl.TIOCCBRK,
];

/**
 * Commands of ioctl(2) that read, or change what an open descriptor lets one
 * change anyway. Drivers and file systems have thousands more, some of which
 * make files (btrfs), open them by number (XFS) or change them through a
 * descriptor that is open for reading only, so the rest is closed.
 */
export const IOCTL_COMMANDS: readonly number[] = [
  ioctl.TCGETS,
  ioctl.TCGETS2,
  ioctl.FIONREAD,
  ioctl.FIONBIO,
  ioctl.FIOCLEX,
  ioctl.FIONCLEX,
  ioctl.FIOQSIZE,
  // Terminals.
  ioctl.TIOCGWINSZ,
  ioctl.TIOCGPGRP,
  ioctl.TIOCGSID,
  ioctl.TCGETA,
  ioctl.TCXONC,
  ioctl.TCFLSH,
  ioctl.TIOCNOTTY,
  ioctl.TIOCOUTQ,
  ioctl.TIOCMGET,
  ioctl.TIOCGETD,
  ioctl.TIOCGDEV,
  ioctl.TIOCGEXCL,
  ioctl.TIOCGPTN,
  ioctl.TIOCSPTLCK,
  ioctl.TIOCGPTLCK,
  ioctl.TIOCPKT,
  ioctl.TIOCGPKT,
  ioctl.TIOCGPTPEER, // the other side of a pty that is held
  // Files.
  ioctl.FIGETBSZ,
  ioctl.FICLONE, // into a file that is open for writing
  ioctl.FICLONERANGE,
  ioctl.FS_IOC_GETFLAGS,
  ioctl.FS_IOC_GETVERSION,
  ioctl.FS_IOC_FIEMAP,
  ioctl.FS_IOC_FSGETXATTR,
  ioctl.FS_IOC_GETFSUUID,
  ioctl.FS_IOC_GETFSLABEL,
  ioctl.FS_IOC_MEASURE_VERITY,
  ioctl.FS_IOC_GET_ENCRYPTION_POLICY,
  ioctl.FS_IOC_GET_ENCRYPTION_POLICY_EX,
  ioctl.FAT_IOCTL_GET_ATTRIBUTES,
  ioctl.RNDGETENTCNT,
  // Sockets.
  ioctl.FIOGETOWN,
  ioctl.SIOCGPGRP,
  ioctl.SIOCATMARK,
  ioctl.SIOCGSTAMP_OLD,
  ioctl.SIOCGSTAMP_NEW,
  ...NAMES_INTERFACES,
  ...TELLS_INTERFACES,
];

/** Commands of ioctl(2) that change a file though it may be open for reading. */
export const IOCTL_WRITES: readonly number[] = [
  ioctl.FS_IOC_SETFLAGS,
  ioctl.FS_IOC_SETVERSION,
  ioctl.FS_IOC_FSSETXATTR,
  ioctl.FS_IOC_ENABLE_VERITY,
  ioctl.FAT_IOCTL_SET_ATTRIBUTES,
];

/** Flags of SECCOMP_SET_MODE_FILTER that give nothing. */
export const SECCOMP_FLAGS = seccomp.SECCOMP_FILTER_FLAG_TSYNC |
  seccomp.SECCOMP_FILTER_FLAG_LOG | seccomp.SECCOMP_FILTER_FLAG_SPEC_ALLOW |
  seccomp.SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
