/** Constants from the headers that define commands of ioctl(2). */

// include/uapi/asm-generic/ioctls.h and include/uapi/asm-generic/ioctl.h: terminals.
/** Get the modes; isatty(3). */
export const TCGETS = 0x5401;
/** Set the modes. */
export const TCSETS = 0x5402;
/** Set them after the output. */
export const TCSETSW = 0x5403;
/** Set them, and forget the input. */
export const TCSETSF = 0x5404;
/** Get the modes, old struct. */
export const TCGETA = 0x5405;
/** Set the modes, old struct. */
export const TCSETA = 0x5406;
/** Set them after the output, old struct. */
export const TCSETAW = 0x5407;
/** Set them, and forget the input, old struct. */
export const TCSETAF = 0x5408;
/** Send a break, or wait for the output. */
export const TCSBRK = 0x5409;
/** Stop and start the flow. */
export const TCXONC = 0x540a;
/** Forget what is in the queues. */
export const TCFLSH = 0x540b;

// asm-generic/termbits-common.h
/** `TCXONC`: stop what is written. */
export const TCOOFF = 0;
/** `TCXONC`: ask the other side to stop. */
export const TCIOFF = 2;
/** `TCXONC`: ask the other side to go on. */
export const TCION = 3;
/** `TCFLSH`: drop what was typed and not read. */
export const TCIFLUSH = 0;
/** `TCFLSH`: drop what was written and not shown. */
export const TCOFLUSH = 1;
/** `TCFLSH`: drop that, and what was typed and not read. */
export const TCIOFLUSH = 2;
/** Let nobody else open it. */
export const TIOCEXCL = 0x540c;
/** Let others open it again. */
export const TIOCNXCL = 0x540d;
/** Make it the controlling terminal; 1 takes it from others. */
export const TIOCSCTTY = 0x540e;
/** Which group is in the foreground? */
export const TIOCGPGRP = 0x540f;
/** Put a group in the foreground. */
export const TIOCSPGRP = 0x5410;
/** How much is in the output queue? */
export const TIOCOUTQ = 0x5411;
/** Put a byte in the input queue, as if typed. */
export const TIOCSTI = 0x5412;
/** Get the size of the window. */
export const TIOCGWINSZ = 0x5413;
/** Set the size of the window. */
export const TIOCSWINSZ = 0x5414;
/** Which modem lines are up? */
export const TIOCMGET = 0x5415;
/** How many bytes can be read? */
export const FIONREAD = 0x541b;
/** Select and paste on a virtual console. */
export const TIOCLINUX = 0x541c;
/** Take the output of the console. */
export const TIOCCONS = 0x541d;
/** Packet mode of a pty. */
export const TIOCPKT = 0x5420;
/** Wait, or not. */
export const FIONBIO = 0x5421;
/** Give up the controlling terminal. */
export const TIOCNOTTY = 0x5422;
/** Which line discipline? */
export const TIOCGETD = 0x5424;
/** Send a break of a length. */
export const TCSBRKP = 0x5425;
/** Break on. */
export const TIOCSBRK = 0x5427;
/** Break off. */
export const TIOCCBRK = 0x5428;
/** Whose session is it? */
export const TIOCGSID = 0x5429;
/** Get the modes, with any speed. */
export const TCGETS2 = 0x802c_542a;
/** Set the modes, with any speed. */
export const TCSETS2 = 0x402c_542b;
/** Set them after the output. */
export const TCSETSW2 = 0x402c_542c;
/** Set them, and forget the input. */
export const TCSETSF2 = 0x402c_542d;
/** Number of a pty. */
export const TIOCGPTN = 0x8004_5430;
/** Lock or unlock a pty. */
export const TIOCSPTLCK = 0x4004_5431;
/** Device number of the terminal. */
export const TIOCGDEV = 0x8004_5432;
/** Signal the group in the foreground of a pty. */
export const TIOCSIG = 0x4004_5436;
/** Is it in packet mode? */
export const TIOCGPKT = 0x8004_5438;
/** Is it locked? */
export const TIOCGPTLCK = 0x8004_5439;
/** May only one open it? */
export const TIOCGEXCL = 0x8004_5440;
/** Open the other side of a pty. */
export const TIOCGPTPEER = 0x5441;
/** Keep the fd at exec. */
export const FIONCLEX = 0x5450;
/** Close the fd at exec. */
export const FIOCLEX = 0x5451;
/** Signals when it is ready. */
export const FIOASYNC = 0x5452;
/** Size of a file. */
export const FIOQSIZE = 0x5460;

// include/uapi/linux/fs.h, fiemap.h, fsverity.h and msdos_fs.h: files.
/** Size of a block. */
export const FIGETBSZ = 2;
/** Share the blocks of another file. */
export const FICLONE = 0x4004_9409;
/** Share some of them. */
export const FICLONERANGE = 0x4020_940d;
/** Get the attributes that chattr(1) sets. */
export const FS_IOC_GETFLAGS = 0x8008_6601;
/** One of these: names of a directory mean the same in any letters. */
export const FS_CASEFOLD_FL = 0x4000_0000;
/** Set them. */
export const FS_IOC_SETFLAGS = 0x4008_6602;
/** Get the generation. */
export const FS_IOC_GETVERSION = 0x8008_7601;
/** Set the generation. */
export const FS_IOC_SETVERSION = 0x4008_7602;
/** Where are the blocks? */
export const FS_IOC_FIEMAP = 0xc020_660b;
/** Get project and extent size. */
export const FS_IOC_FSGETXATTR = 0x801c_581f;
/** Set them. */
export const FS_IOC_FSSETXATTR = 0x401c_5820;
/** Which file system is it? */
export const FS_IOC_GETFSUUID = 0x8011_1500;
/** How is it labelled? */
export const FS_IOC_GETFSLABEL = 0x8100_9431;
/** Freeze a file, from an fd that cannot write. */
export const FS_IOC_ENABLE_VERITY = 0x4080_6685;
/** Digest of a frozen file. */
export const FS_IOC_MEASURE_VERITY = 0xc004_6686;
/** How is it encrypted? */
export const FS_IOC_GET_ENCRYPTION_POLICY = 0x400c_6615;
/** How is it encrypted, newer? */
export const FS_IOC_GET_ENCRYPTION_POLICY_EX = 0xc009_6616;
/** Get the attributes of a FAT file. */
export const FAT_IOCTL_GET_ATTRIBUTES = 0x8004_7210;
/** Set them. */
export const FAT_IOCTL_SET_ATTRIBUTES = 0x4004_7211;

// include/uapi/asm-generic/sockios.h and include/uapi/linux/sockios.h: sockets.
/** Who gets SIGIO and SIGURG, in memory. */
export const FIOSETOWN = 0x8901;
/** The same. */
export const SIOCSPGRP = 0x8902;
/** Who gets them? */
export const FIOGETOWN = 0x8903;
/** The same. */
export const SIOCGPGRP = 0x8904;
/** Is urgent data next? */
export const SIOCATMARK = 0x8905;
/** When did the last packet come? */
export const SIOCGSTAMP_OLD = 0x8906;
/** Name of an interface. */
export const SIOCGIFNAME = 0x8910;
/** All interfaces. */
export const SIOCGIFCONF = 0x8912;
/** Its flags. */
export const SIOCGIFFLAGS = 0x8913;
/** Its address. */
export const SIOCGIFADDR = 0x8915;
/** The address of the other end. */
export const SIOCGIFDSTADDR = 0x8917;
/** Its broadcast address. */
export const SIOCGIFBRDADDR = 0x8919;
/** Its network mask. */
export const SIOCGIFNETMASK = 0x891b;
/** Its metric. */
export const SIOCGIFMETRIC = 0x891d;
/** Its largest packet. */
export const SIOCGIFMTU = 0x8921;
/** Its hardware address. */
export const SIOCGIFHWADDR = 0x8927;
/** Its number. */
export const SIOCGIFINDEX = 0x8933;
/** The length of its queue. */
export const SIOCGIFTXQLEN = 0x8942;
/** When did the last packet come, after 2038 too? */
export const SIOCGSTAMP_NEW = 0x8010_8906;

// include/uapi/linux/random.h
/** How much entropy is there? */
export const RNDGETENTCNT = 0x8004_5200;
