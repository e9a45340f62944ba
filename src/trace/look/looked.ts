/** What a look at a stopped call found: what it would do, and to what. */

import type { Move, Use } from "../../policy/call.ts";
import type { NetUse } from "../../policy/net/endpoint.ts";
import type { Place } from "../path/place.ts";
import type { SocketDuty } from "../tracee/tracee.ts";
import type { LookedMessage } from "./message.ts";
import type { OpenRequest } from "./open_flags.ts";
import type { CallSpec } from "./spec.ts";

/** In place of a process: all that are traced, who may share an open file. */
export const EVERYBODY = -1;

/** A path argument, and the file that it really names. */
export interface LookedPath {
  /** Index of the argument. */
  readonly arg: number;
  /** Index of the argument with its directory; -1 for none. */
  readonly dirfd: number;
  /** The path as the tracee wrote it. */
  readonly written: string;
  /** Whether a link in its last place is followed. */
  readonly follows: boolean;
  /** What it names. */
  readonly place: Place;
}

/** Text beside a path, which no rule is about, as where a link is to lead. */
export interface LookedText {
  /** Index of the argument. */
  readonly arg: number;
  /** What the tracee wrote, a byte string. */
  readonly written: string;
}

/** What a call would do. */
export interface Looked {
  /** What it would do to files. */
  readonly uses: Use[];
  /** What it would rename. */
  readonly moves: Move[];
  /** Other names of what it writes, where a link is placed or removed. */
  readonly names: string[];
  /** Where it moves what is no link, and the policy lets no link be put. */
  readonly placed: Placed[];
  /** Where it would send or receive. */
  readonly net: NetUse[];
  /** Its path arguments. */
  readonly paths: LookedPath[];
  /** The text beside them, copied once: what is told of it is what is made. */
  beside: LookedText | undefined;
  /** What it fails with where the policy lets it go on; 0 where it goes on. */
  errno: number;
  /**
   * The process whose descriptors must not change until the call is over,
   * since it rests on one of them; 0 for none, {@linkcode EVERYBODY} where nobody
   * else may make a call meanwhile.
   */
  descriptorsOf: number;
  /** The name in `/proc` of the descriptor that it means in place of a path, if any. */
  descriptor: string;
  /** What that descriptor is of. */
  file: Place | undefined;
  /** Whether it is made by the path of that, though it names none. */
  byPath: boolean;
  /** For an open: its flags, mode and `resolve`. */
  open: OpenRequest | undefined;
  /** For a call with a socket address: the address, copied once. */
  address: Uint8Array | undefined;
  /** The first address as the tracee wrote it; `undefined` for none. */
  said: Uint8Array | undefined;
  /** For sendmsg(2) and sendmmsg(2): the messages, copied once. */
  readonly messages: LookedMessage[];
  /** Whether the kernel is given a path that begins where the tracee is. */
  rests: boolean;
  /** Whether the kernel must be given the copy, which says what was meant. */
  changed: boolean;
  /** What has to be done about its socket once it was made. */
  after: SocketDuty | undefined;
  /** Whether it makes a file that runs as its owner or group. */
  setsId: boolean;
  /** Whether it could have a directory tell no letters from then on. */
  folds: boolean;
  /** Why jail refuses it whatever the policy says. */
  never: string | undefined;
  /** Whether it only seems to be made: it returns 0, and has no effect. */
  seems: boolean;
  /** Whether it makes a file, and must fail where there is one by then. */
  makes: boolean;
  /**
   * Whether the kernel is given the real path of a directory though one tracee alone
   * runs. Of what is opened it always is.
   */
  pinned: boolean;
  /** What jail holds until it is over, so that a name means what it meant. */
  held: KeptName | undefined;
}

/** A name at which no link may be put. */
export interface Placed {
  /** The real path. */
  readonly path: string;
  /** Whether none was there before, nor a directory: one that is there came. */
  readonly cleared: boolean;
}

/** Something that keeps its name, or is kept, as long as somebody has it open. */
export interface KeptName {
  /** The path that is kept; empty for a socket. */
  readonly path: string;
  /** A descriptor of this process. */
  readonly fd: number;
}

/** Whether the policy refuses a call that would use files so, whoever is asked. */
export type Refuses = (
  spec: CallSpec,
  uses: readonly Use[],
  names?: readonly string[],
) => boolean;

/** Whether a process id is one of the jail's. */
export type IsOwn = (pid: number) => boolean;

/** Starts looking at a call. */
export function nothing(): Looked {
  return {
    uses: [],
    moves: [],
    names: [],
    placed: [],
    net: [],
    paths: [],
    beside: undefined,
    errno: 0,
    descriptorsOf: 0,
    descriptor: "",
    file: undefined,
    byPath: false,
    open: undefined,
    address: undefined,
    said: undefined,
    messages: [],
    rests: false,
    changed: false,
    after: undefined,
    setsId: false,
    folds: false,
    never: undefined,
    seems: false,
    makes: false,
    pinned: false,
    held: undefined,
  };
}
