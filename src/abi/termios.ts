/** Constants and structs from `asm-generic/termbits.h`: the modes of a terminal. */

import type { Layout } from "./layout.ts";

/** `c_iflag`: a carriage return is read as a newline. */
export const ICRNL = 0o400;
/** `c_iflag`: a character stops all output, and another one starts it. */
export const IXON = 0o2000;
/** `c_oflag`: what is written is processed. */
export const OPOST = 0o1;
/** `c_oflag`: a newline is written as a carriage return and a newline. */
export const ONLCR = 0o4;
/** `c_lflag`: some characters are signals. */
export const ISIG = 0o1;
/** `c_lflag`: input comes in lines. */
export const ICANON = 0o2;
/** `c_lflag`: what is typed is shown. */
export const ECHO = 0o10;
/** `c_lflag`: more characters are special. */
export const IEXTEN = 0o100000;
/** Index in `c_cc`: how long a read waits, in tenths of a second. */
export const VTIME = 5;
/** Index in `c_cc`: how many bytes a read waits for. */
export const VMIN = 6;

/**
 * The kernel's `struct termios`, without the 19 bytes of `c_cc` at
 * {@linkcode C_CC}.
 */
export const TERMIOS: Layout<"c_iflag" | "c_oflag" | "c_lflag"> = {
  size: 36,
  // deno-fmt-ignore
  fields: {
    c_iflag: [ 0, "u32"], // tcflag_t c_iflag
    c_oflag: [ 4, "u32"], // tcflag_t c_oflag
    c_lflag: [12, "u32"], // tcflag_t c_lflag
  },
};

/** Where `cc_t c_cc[NCCS]` begins. */
export const C_CC = 17;
