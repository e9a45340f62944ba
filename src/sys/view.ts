/**
 * Where the paths of a program begin: which directory is its `/`.
 *
 * This process may have another root directory than the program, and another
 * mount namespace. It looks up the program's paths from a descriptor of the
 * program's root, and the kernel tells it names of files that begin with that
 * root's own name. What has another name lies outside, and no path of the
 * program leads there.
 */

import { fromBytes, toCString } from "../abi/bytes.ts";
import { EACCES, EAGAIN, ELOOP, ENOENT } from "../abi/errno.ts";
import {
  AT_EACCESS,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
} from "../abi/fcntl.ts";
import { get } from "../abi/layout.ts";
import { MAXSYMLINKS } from "../abi/limits.ts";
import {
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from "../abi/openat2.ts";
import { STAT, STATFS } from "../abi/stat.ts";
import { SystemCallError } from "../errors.ts";
import { nextNames } from "./directory.ts";
import {
  close,
  faccessat,
  fstat,
  fstatat,
  fstatfs,
  isSameFile,
  openat2,
  readLink,
  readToEnd,
} from "./files.ts";
import { ownUser } from "./ids.ts";
import {
  isPath,
  type Mount,
  type MountPlace,
  mountsIn,
  pathOnMount,
  placeOf,
  REMOVED,
} from "./mount_info.ts";
import { mountsAge } from "./mounted.ts";
import { isOutside, nameOutside } from "./outside.ts";
import { told } from "./told.ts";

/** How the kernel calls a file in memory, wherever the root is: shmem_dname(). */
const MEMFD_REGEXP = /^\/memfd:.* \(deleted\)$/s;

/** Where the links of a process are, which lead where it is, or has something open. */
const PROCESS_REGEXP = /^\/proc\/[0-9]+\//;

/** How often a path with `..` is looked up while something is moved. */
const MAX_TRIES = 16;

/** Where a path leads, as far as that can be told. */
interface Followed {
  /** Where the links are by which it leads, without links on the way. */
  readonly links: readonly string[];
  /** The directories that it leads out of again by `..`. */
  readonly left: readonly string[];
  /** Where it ends: what could not be looked at as it was written. */
  readonly end: string;
  /** The first directory on the way that this process may not search. */
  readonly closed: string | undefined;
  /** All directories on the way. */
  readonly way: readonly string[];
}

/** The root directory of a program, as this process sees it. */
export class View {
  /** A descriptor of it; -1 for this process's own root. */
  readonly fd: number;
  /** Its real path as this process sees it; `undefined` for its own root. */
  readonly directory: string | undefined;
  readonly #prefix: string;
  /** Where it has mounts of its own: what mountinfo says of these. */
  #mounts: string | undefined;
  /** {@linkcode mountsAge} when it said that. */
  #age = mountsAge();
  /** A task of the program, stopped, once there is one. */
  #tid = 0;

  /**
   * Makes one.
   *
   * @param fd a descriptor of the directory; -1 for this process's own root
   * @param directory its real path, as this process sees it
   * @param own where it has mounts of its own: the name that the kernel gives it
   * then, and what `/proc/<pid>/mountinfo` says of a process in there
   */
  constructor(
    fd: number,
    directory?: string,
    own?: { readonly name: string; readonly mounts: string },
  ) {
    this.fd = fd;
    this.directory = directory;
    this.#prefix = own?.name ?? directory ?? "";
    this.#mounts = own?.mounts;
  }

  /** Whether it is this process's own root. */
  get isOwn(): boolean {
    return this.fd < 0;
  }

  /**
   * Whether `..` leads out of a directory that somebody outside has just moved out
   * of the root. A mount ends there for the kernel, path_connected() in fs/namei.c;
   * a root that chroot(2) made does not.
   */
  get leaks(): boolean {
    return !this.isOwn && this.#mounts === undefined;
  }

  /**
   * Asks anew where its own mounts are, as soon as these may have been moved.
   *
   * @param tid a task of the program
   * @returns whether it is known where they are
   */
  renew(tid: number): boolean {
    this.#tid = tid;
    const age = mountsAge();
    if (this.#mounts === undefined || this.#age === age) return true;
    const mounts = readMounts(tid);
    if (mounts === "") return false;
    this.#mounts = mounts;
    this.#age = age;
    return true;
  }

  /**
   * The kind of the file system that a path is in, as statfs(2) tells it.
   *
   * @param path an absolute path of the program, a byte string
   * @returns `f_type`, or a negative errno
   */
  fileSystemOf(path: string): number {
    const fd = this.open(toCString(path), O_PATH | O_CLOEXEC);
    if (fd < 0) return fd;
    const statfs = new Uint8Array(STATFS.size);
    const result = fstatfs(fd, statfs);
    close(fd);
    return result < 0 ? result : get(STATFS, statfs, "f_type");
  }

  /**
   * Opens a file by an absolute path of the program.
   *
   * @param path a C string
   * @param flags `O_*`
   * @param resolve `RESOLVE_*`
   * @returns an fd, or a negative errno
   */
  open(path: Uint8Array, flags: number, resolve = 0): number {
    if (this.isOwn) return openat2(AT_FDCWD, path, flags, 0, resolve);
    for (let tries = 1;; tries++) {
      const fd = openat2(this.fd, path, flags, 0, resolve | RESOLVE_IN_ROOT);
      if (fd !== -EAGAIN || tries === MAX_TRIES) return fd;
    }
  }

  /**
   * What the program calls a file.
   *
   * @param name what the kernel calls it to this process, a byte string
   * @returns its path; a name without a slash in front where there is none
   */
  nameOf(name: string): string {
    const prefix = this.#prefix;
    if (this.isOwn || !name.startsWith("/")) return name;
    if (name.startsWith(prefix)) {
      if (name.length === prefix.length) return "/";
      if (name[prefix.length] === "/") return name.slice(prefix.length);
    }
    return MEMFD_REGEXP.test(name) ? name : nameOutside(name);
  }

  /**
   * What the program calls a directory of this process.
   *
   * @param real its real path, as this process sees it
   * @returns its path; `undefined` where it is not in the root
   */
  fromOutside(real: string): string | undefined {
    const { directory } = this;
    if (directory === undefined) return real;
    if (real === directory) return "/";
    return real.startsWith(`${directory}/`)
      ? real.slice(directory.length)
      : undefined;
  }

  /** What the kernel calls a path of the program to this process. */
  outerName(path: string): string {
    return this.isOwn || !path.startsWith("/") || MEMFD_REGEXP.test(path)
      ? path
      : `${this.#prefix}${path === "/" ? "" : path}`;
  }

  /**
   * Where the same file would be in the root if it were there: a device, or one
   * that was opened in the directory itself, by this process's name of that.
   *
   * @param name the name of a file outside
   * @returns a path of the program, or `undefined` where the name is no such one
   */
  likelyPath(name: string): string | undefined {
    if (!isOutside(name)) return undefined;
    const real = name.slice(name.indexOf("/"));
    return this.fromOutside(real) ?? real;
  }

  /** Reads what is known of a file, and not where it leads, into a `STAT`. */
  stat(path: Uint8Array, into: Uint8Array): number {
    if (this.isOwn) return fstatat(AT_FDCWD, path, into, AT_SYMLINK_NOFOLLOW);
    return this.#with(path, O_PATH | O_NOFOLLOW, (fd) => fstat(fd, into));
  }

  /** May this process use a file so, by its effective ids? */
  access(path: Uint8Array, mode: number): number {
    if (this.isOwn) return faccessat(AT_FDCWD, path, mode, AT_EACCESS);
    return this.#with(path, O_PATH, (fd) => {
      const held = toCString(`/proc/self/fd/${fd}`);
      return faccessat(AT_FDCWD, held, mode, AT_EACCESS);
    });
  }

  /**
   * The real path of what an absolute path of the program leads to.
   *
   * @param path a byte string
   * @returns a byte string, or `undefined` where it leads nowhere
   * @throws {SystemCallError} where that cannot be told
   */
  realpath(path: string): string | undefined {
    return this.#find(path).real;
  }

  /** The real path of what a path leads to, and how that was found. */
  #find(path: string): { readonly real?: string; readonly result: number } {
    let real: string | undefined;
    const read = (fd: number): number => {
      const name = readLink(`/proc/self/fd/${fd}`);
      if (typeof name === "number") return name;
      real = this.nameOf(name);
      if (!real.endsWith(REMOVED)) return 0;
      const id = mountIdOf(fd);
      if (typeof id === "number") return id;
      real = pathOnMount(this.placeOf(id)?.point, real);
      return 0;
    };
    const name = toCString(path);
    let result = this.#with(name, O_PATH, read, RESOLVE_NO_MAGICLINKS);
    // By a link of the kernel's own it may lead into mounts of somebody else's, who
    // calls what is there as he likes.
    if (result === -ELOOP) {
      result = this.#with(name, O_PATH, (fd) => {
        const known = read(fd);
        return known < 0 ? known : this.#leadsTo(real as string, fd);
      });
    }
    told(path, result);
    return result >= 0 && real?.startsWith("/") ? { real, result } : { result };
  }

  /** Whether the name of an open file leads to it: 0, or a negative errno. */
  #leadsTo(name: string, fd: number): number {
    if (!name.startsWith("/")) return 0;
    return this.#with(toCString(name), O_PATH, (there) => {
      const [id, own] = [mountIdOf(fd), mountIdOf(there)];
      if (typeof id === "number") return id;
      if (typeof own === "number") return own;
      return id === own && isSameFile(fd, there) ? 0 : -ENOENT;
    }, RESOLVE_NO_SYMLINKS);
  }

  /**
   * Where an absolute path of the program leads, even if to nothing: by a link to
   * what is not there, or beneath a directory that this process may not search.
   *
   * @param path a byte string
   * @returns its real path, or what the link in its last place says with the links
   * followed that can be; `undefined` where there is neither a file nor a link
   */
  meant(path: string): string | undefined {
    const real = this.realpath(path);
    if (real !== undefined || this.#target(path) === undefined) return real;
    const { links, end } = this.#follow(path);
    // Around in circles, or by a link of the kernel's own, which says no path.
    return links.length === MAXSYMLINKS || end.startsWith("/proc/") ||
        links.some((link) => PROCESS_REGEXP.test(link))
      ? undefined
      : end;
  }

  /**
   * The directories on the way of an absolute path that hide where that leads, or
   * did when it was looked for, and would not if their owner, who this process is,
   * let them be searched: somebody may do so, and take it back, all the time.
   *
   * @param path a byte string
   * @param known its real path, as it was found before
   * @returns their real paths
   */
  closedOnTheWay(path: string, known: string | undefined): readonly string[] {
    const { real, result } = this.#find(path);
    const isFound = result >= 0 && real === known;
    if (isFound || (result < 0 && result !== -EACCES)) return [];
    const { closed, way } = this.#follow(path);
    const status = new Uint8Array(STAT.size);
    return (closed === undefined ? way : [closed]).filter((directory) =>
      told(directory, this.stat(toCString(directory), status)) >= 0 &&
      get(STAT, status, "st_uid") === ownUser()
    );
  }

  /**
   * The links by which an absolute path of the program leads to a file, also those
   * that other links lead to, and the directories that `..` in one leads out of: with
   * a link in its place the path would lead elsewhere.
   *
   * @param path a byte string
   * @returns where they are, without links on the way, byte strings
   */
  links(path: string): readonly string[] {
    const { links, left } = this.#follow(path);
    return [...links, ...left];
  }

  /** Follows a path name by name, as far as there are links that can be read. */
  #follow(path: string): Followed {
    const found: string[] = [];
    const rest = path.split("/").reverse();
    let here = "";
    const way = new Set<string>();
    const left = new Set<string>();
    let closed: string | undefined;
    while (rest.length > 0) {
      const name = rest.pop() as string;
      if (name === "" || name === ".") continue;
      if (name === "..") {
        if (here !== "") left.add(here);
        here = here.slice(0, here.lastIndexOf("/"));
        continue;
      }
      way.add(here || "/");
      const next = `${here}/${name}`;
      const target = this.#read(next);
      if (target === -EACCES) closed ??= here || "/";
      if (typeof target === "number") {
        here = next;
        continue;
      }
      if (found.length === MAXSYMLINKS) break;
      found.push(next);
      rest.push(...target.split("/").reverse());
      if (target.startsWith("/")) here = "";
    }
    return {
      ...{ links: found, left: [...left], end: here || "/" },
      ...{ closed, way: [...way] },
    };
  }

  /** Where a link points; `undefined` where there is none. */
  #target(path: string): string | undefined {
    const target = this.#read(path);
    return typeof target === "number" ? undefined : target;
  }

  /** What a link says, or a negative errno. */
  #read(path: string): string | number {
    let target: string | number = "";
    const held = this.#with(toCString(path), O_PATH | O_NOFOLLOW, (fd) => {
      target = readLink("", fd);
      return typeof target === "number" ? target : 0;
    });
    return told(path, held) < 0 ? held : target;
  }

  /**
   * The names in a directory.
   *
   * @param path an absolute path of the program, a byte string
   * @returns byte strings, without `.` and `..`; none where there is no directory
   * that may be read
   * @throws {SystemCallError} where that cannot be told
   */
  names(path: string): readonly string[] {
    const found: string[] = [];
    const flags = O_RDONLY | O_DIRECTORY;
    const result = this.#with(toCString(path), flags, (fd) => {
      let names = nextNames(fd);
      for (; Array.isArray(names); names = nextNames(fd)) found.push(...names);
      return names ?? 0;
    });
    told(path, result);
    return found;
  }

  /**
   * Reads a whole file, or the start of it. A pipe that somebody put in its place
   * has nothing in it, and is not waited for.
   *
   * @param path an absolute path of the program, a byte string
   * @param limit the most bytes read
   * @returns the bytes, or a negative errno
   */
  readFile(path: string, limit: number): Uint8Array<ArrayBuffer> | number {
    const flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;
    const fd = this.open(toCString(path), flags);
    if (fd < 0) return fd;
    try {
      return readToEnd(fd, limit);
    } finally {
      close(fd);
    }
  }

  /**
   * What is mounted where the program sees it.
   *
   * @throws {SystemCallError} where that cannot be read
   */
  mounts(): readonly Mount[] {
    const all = this.#allMounts();
    // There is a root at least.
    if (all.length > 0) return all.filter(({ point }) => isPath(point));
    throw new SystemCallError("look at what is mounted", "read()", "EIO");
  }

  /** The ids of all mounts, also of those that the program does not see. */
  mountIds(): ReadonlySet<string> {
    return new Set(this.#allMounts().map(({ id }) => id));
  }

  /**
   * Where a mount is, and what lies over it, if the program sees it.
   *
   * @param id its id, as mountinfo has it
   */
  placeOf(id: string): MountPlace | undefined {
    return placeOf(this.#allMounts(), id);
  }

  #allMounts(): Mount[] {
    // It may have turned out since that they were moved.
    if (this.#tid !== 0 && !this.renew(this.#tid)) return [];
    return this.#mounts === undefined
      ? mountsIn(readMounts("self"), (name) => this.nameOf(name))
      : mountsIn(this.#mounts, (name) => name);
  }

  #with(
    path: Uint8Array,
    flags: number,
    use: (fd: number) => number,
    resolve = 0,
  ): number {
    const fd = this.open(path, flags | O_CLOEXEC, resolve);
    if (fd < 0) return fd;
    try {
      return use(fd);
    } finally {
      close(fd);
    }
  }
}

/** This process's own root directory. */
export const OWN_VIEW: View = new View(-1);

/** Most of `/proc/self/fdinfo/<fd>` that is read, in bytes. */
const FDINFO_SIZE = 4096;

/**
 * The id of the mount that a file of this process is in, as mountinfo has it, or a
 * negative errno. It comes before what a program could make longer.
 */
export function mountIdOf(fd: number): string | number {
  const bytes = OWN_VIEW.readFile(`/proc/self/fdinfo/${fd}`, FDINFO_SIZE);
  if (typeof bytes === "number") return bytes;
  return /^mnt_id:\t([0-9]+)$/m.exec(fromBytes(bytes))?.[1] ?? "0";
}

/** Most of a `mountinfo` that is read, in bytes. */
const MOUNTINFO_SIZE = 1 << 24;

/** What `/proc/<pid>/mountinfo` says, a byte string; "" where it cannot be read. */
export function readMounts(pid: number | "self"): string {
  const bytes = OWN_VIEW.readFile(`/proc/${pid}/mountinfo`, MOUNTINFO_SIZE);
  return typeof bytes === "number" ? "" : fromBytes(bytes);
}
