/**
 * Walks a path by hand, one name at a time up to a link where there are few, and
 * then straight on, if there is no other; tells of magic links on the way.
 *
 * `/proc/self`, `/dev/fd` and the like mean the tracee's, not the tracer's.
 */

import {
  EACCES,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
} from "../../abi/errno.ts";
import { get } from "../../abi/layout.ts";
import { MAXSYMLINKS, PATH_MAX } from "../../abi/limits.ts";
import { STAT } from "../../abi/stat.ts";
import type { FileKind } from "../../policy/call.ts";
import { parentOf } from "../../policy/path/within.ts";
import { close, fstat } from "../../sys/files.ts";
import type { View } from "../../sys/view.ts";
import { look, resolveMagic } from "./magic.ts";
import {
  kindOf,
  normalize,
  type Owner,
  type Place,
  place,
  processOf,
  readLink,
} from "./place.ts";
import { linksAt, quick, type Way } from "./quick.ts";
import { rememberLink } from "./root_links.ts";
import { isGuardedLink } from "./sticky.ts";
import { straightNames } from "./straight.ts";

const stat = new Uint8Array(STAT.size);

const MAGIC_REGEXP =
  /^\/proc\/[1-9][0-9]*(?:\/task\/[1-9][0-9]*)?\/(?:cwd|root|exe|fd\/[0-9]+|map_files\/[^/]+|ns\/[^/]+)$/;

/** The link of an open file among those. */
const OPEN_REGEXP = /\/fd\/[0-9]+$/;

/** One walk, from the root to where the path ends. */
export class Walk {
  readonly #owner: Owner;
  readonly #follow: boolean;
  readonly #isOwn: (pid: number) => boolean;
  readonly #way: Way;
  readonly #full: string;
  /** A link that is followed no more, since it leads around in circles. */
  readonly #circle: string | undefined;
  /** The links that it is in, and how many names are left behind each. */
  readonly #within = new Map<string, number>();
  /** The first one that has led to itself. */
  #again: string | undefined;
  /** The names that are left, the next one last. */
  readonly #todo: string[];
  /** How far it has come: a real path. */
  #real: string;
  #slash: boolean;
  #links = 0;

  /**
   * Starts one.
   *
   * @param owner whose path it is
   * @param full the path from the root, as a byte string
   * @param follow whether a link in the last place is followed
   * @param isOwn whether a process id is one of the jail's
   * @param way what it meets
   * @param circle a link that leads around in circles, if one does
   */
  constructor(
    owner: Owner,
    full: string,
    follow: boolean,
    isOwn: (pid: number) => boolean,
    way: Way,
    circle?: string,
  ) {
    this.#owner = owner;
    this.#follow = follow;
    this.#isOwn = isOwn;
    this.#way = way;
    this.#full = full;
    this.#circle = circle;
    this.#todo = full.split("/").reverse();
    this.#real = way.root;
    this.#slash = full.endsWith("/");
  }

  /** Where the path ends. */
  end(): Place {
    while (this.#todo.length > 0) {
      this.#goStraight();
      const found = this.#step(this.#todo.pop() as string);
      if (found !== undefined) return found;
    }
    return place(this.#real, "directory", this.#slash && this.#real !== "/");
  }

  /** Goes on over directories that are no links, where many names are left. */
  #goStraight(): void {
    const { crossed, root } = this.#way;
    const { view } = this.#owner;
    const names = straightNames(view, this.#real, root, this.#todo);
    if (names.length === 0) return;
    this.#todo.length -= names.length;
    const straight = `${this.#real}/${names.join("/")}`;
    crossed.follow(straight);
    this.#real = normalize(straight);
  }

  /** Goes on over a name; where the path ends, if it does so there. */
  #step(name: string): Place | undefined {
    if (name === "") return undefined;
    if (name === "." || name === "..") return this.#goByDots(name);
    if (this.#goToSelf(name)) return undefined;
    const { keeps, view } = this.#owner;
    const next = this.#real === "/" ? `/${name}` : `${this.#real}/${name}`;
    const fd = look(view, next);
    if (fd >= 0) {
      try {
        return this.#meet(next, fd);
      } finally {
        close(fd);
      }
    }
    const where = this.#stuck(next, -fd);
    const parent = keeps === true ? look(view, this.#real) : -1;
    return parent < 0 ? where : { ...where, fd: parent };
  }

  #goByDots(name: "." | ".."): Place | undefined {
    const { crossed, root } = this.#way;
    if (isClosed(this.#owner.view, this.#real)) {
      this.#todo.push(name);
      return this.#stuck(this.#real, EACCES);
    }
    if (name === "." || this.#real === root) return undefined;
    crossed.add(this.#real);
    this.#real = parentOf(this.#real);
    return undefined;
  }

  /** Goes on to the process whose path it is, where the name means that. */
  #goToSelf(name: string): boolean {
    if (this.#real !== "/proc" || this.#stays()) return false;
    const { pid, tid, view } = this.#owner;
    if (name === "self" && isProcfs(view)) {
      this.#todo.push(String(pid));
      return true;
    }
    if (name === "thread-self" && isProcfs(view)) {
      this.#todo.push(String(tid), "task", String(pid));
      return true;
    }
    return false;
  }

  /** Goes on over what is there, of which there is a reference (`O_PATH`). */
  #meet(next: string, fd: number): Place | undefined {
    const result = fstat(fd, stat);
    if (result < 0) return this.#stuck(next, -result);
    const kind = kindOf(get(STAT, stat, "st_mode"));
    if (kind !== "link" || this.#stays()) return this.#goTo(next, kind);
    const links = linksAt(fd);
    if (isGuardedLink(stat, this.#real, this.#owner)) {
      return this.#stuck(next, EACCES);
    }
    if (links === "never followed") return this.#stuck(next, ELOOP);
    if (++this.#links === 1 && !this.#isLast()) this.#way.link = next;
    if (next === this.#circle) return this.#stuck(next, ELOOP);
    if (this.#links > MAXSYMLINKS) return this.#endAtCircle(next);
    this.#enter(next);
    const proc = links === "procfs";
    if (proc && processOf(next) !== 0) return this.#goByMagic(next);
    const text = readLink(fd, "");
    // It is there, and no free name, whatever is said of where it leads.
    if (text === "" || text === -ENOENT && this.#isLast()) {
      return place(next, "missing", this.#slash, ENOENT);
    }
    if (typeof text === "number") return this.#stuck(next, -text);
    // procfs elsewhere than at /proc: its links mean somebody else's.
    if (proc && !next.startsWith("/proc/")) return this.#stuck(next, 0);
    if (this.#real === "/" && this.#owner.view.isOwn && !proc) {
      keepLink(next, text);
    }
    return this.#goByLink(next, text);
  }

  /** Notes that it follows a link, and whether that one has led to itself. */
  #enter(link: string): void {
    const left = this.#todo.length;
    for (const [other, behind] of this.#within) {
      // Nothing of where it led is left: to meet it again is no circle.
      if (behind > left) this.#within.delete(other);
    }
    if (this.#within.has(link)) this.#again ??= link;
    else this.#within.set(link, left);
  }

  /** Goes on at what is no link, or one that is meant itself. */
  #goTo(next: string, kind: FileKind): Place | undefined {
    const last = this.#isLast();
    if (kind !== "directory" && kind !== "link" && (!last || this.#slash)) {
      return this.#stuck(next, ENOTDIR);
    }
    this.#real = next;
    return last ? place(next, kind, this.#slash) : undefined;
  }

  /** Goes on where a link of the kernel's own leads. */
  #goByMagic(next: string): Place | undefined {
    this.#way.magic = true;
    // Whose it is must be known before the tracer follows it.
    if (!this.#isOwn(processOf(next)) || !MAGIC_REGEXP.test(next)) {
      return this.#stuck(next, 0);
    }
    const target = resolveMagic(this.#owner.view, next);
    if (target.errno !== 0) return { ...target, path: join(next, this.#todo) };
    this.#real = target.path;
    const last = this.#isLast();
    const slash = this.#slash;
    if ((!last || slash) && (target.was ?? target.kind) !== "directory") {
      return place(target.path, "missing", slash, ENOTDIR);
    }
    if (target.via !== "") {
      return last
        ? { ...target, slash }
        : inObject(target, this.#todo.reverse().join("/"));
    }
    if (!last) return undefined;
    const found = place(target.path, target.kind, slash);
    // An open of what waits could last longer than another process.
    const stays = processOf(next) === this.#owner.pid ||
      target.kind === "file" || target.kind === "directory";
    return stays && OPEN_REGEXP.test(next) ? { ...found, by: next } : found;
  }

  /**
   * Where the path ends that leads through too many links: where one leads around in
   * circles, as if it led nowhere. What comes behind it must not tell of it; what the
   * circle leads out of again is there.
   */
  #endAtCircle(last: string): Place {
    const again = this.#again;
    if (again === undefined || this.#circle !== undefined) {
      return this.#stuck(last, ELOOP);
    }
    const way = this.#way;
    way.crossed.forgetLinks();
    const owner = this.#owner;
    return new Walk(owner, this.#full, this.#follow, this.#isOwn, way, again)
      .end();
  }

  /** Goes on where a link says. */
  #goByLink(next: string, text: string): Place | undefined {
    const way = this.#way;
    const todo = this.#todo;
    way.crossed.lead(this.#real);
    if (text.startsWith("/")) this.#real = way.root;
    if (text.endsWith("/") && this.#isLast()) this.#slash = true;
    const rest = text.split("/").reverse();
    if (todo.length + rest.length > PATH_MAX) {
      return place(next, "missing", this.#slash, ENAMETOOLONG);
    }
    todo.push(...rest);
    if (way.root !== "/") return undefined;
    // Most paths have one link, and near their start: /bin, /lib64.
    const start = this.#real === "/" ? "" : this.#real;
    const left = `${start}/${todo.toReversed().join("/")}`;
    way.links = this.#links;
    return quick(
      this.#owner,
      this.#slash ? `${left}/` : left,
      this.#follow,
      way,
    );
  }

  /** A path that leads no further than this. */
  #stuck(path: string, errno: number): Place {
    const last = this.#isLast();
    // The last name may be free: a call that makes it goes on.
    if (errno === ENOENT && last) return place(path, "missing", this.#slash);
    if (errno !== 0 && !last) this.#way.end = path;
    const kind = errno === ELOOP && last ? "link" : "missing";
    return place(this.#asWritten(path), kind, this.#slash, errno);
  }

  /**
   * Where the names that are left would lead from what leads no further. How far
   * that is must not tell what is where nobody may look: what `..` would lead out of
   * is noted as if directories were there.
   */
  #asWritten(path: string): string {
    const { crossed, root } = this.#way;
    let real = path;
    let climbs = false;
    for (const name of this.#todo.toReversed()) {
      if (name === "" || name === ".") continue;
      if (name !== "..") {
        real = real === "/" ? `/${name}` : `${real}/${name}`;
      } else if (real !== root) {
        if (!climbs) crossed.add(real);
        real = parentOf(real);
      }
      climbs = name === "..";
    }
    return real;
  }

  /** Whether no name is left. */
  #isLast(): boolean {
    return this.#todo.every((part) => part === "");
  }

  /** Whether a link is meant itself, and not where it leads. */
  #stays(): boolean {
    return !this.#follow && !this.#slash && this.#isLast();
  }
}

/**
 * What can be named from a directory that was removed, from one outside the root
 * of the jail, or from no directory.
 */
export function inObject(base: Place, path: string): Place {
  const slash = path.endsWith("/");
  const nothing = (errno: number): Place =>
    place(base.path, "missing", slash, errno);
  if ((base.was ?? base.kind) !== "directory") return nothing(ENOTDIR);
  if (/^[./]+$/.test(path) && !path.includes("..")) {
    return { ...base, slash };
  }
  return base.kind === "directory"
    ? place(`${base.path}/${path}`, "missing", slash, EACCES)
    : nothing(ENOENT);
}

/** A path from one directory on. */
export interface From {
  /** Where it starts. */
  readonly base: Place;
  /** The path, as a byte string. */
  readonly path: string;
}

const UP_REGEXP = /^(?:\.\/+)*\.\.(?:\/+|$)/;

/**
 * Where a path leads that climbs out of a removed directory: that stays in the one
 * that it was removed from, which has a path, or was removed as well.
 *
 * @param view where paths begin
 * @param from the path
 * @returns the same, from the first directory that it does not climb out of, or that
 *   was not removed
 */
export function outOfRemoved(view: View, from: From): From {
  let { base, path } = from;
  for (let steps = 0; steps < MAXSYMLINKS; steps++) {
    const [up] = UP_REGEXP.exec(path) ?? [];
    if (base.was !== "directory" || up === undefined) break;
    base = resolveMagic(view, `${base.via}/..`);
    path = path.slice(up.length);
  }
  return { base, path };
}

/**
 * Whether procfs is at /proc. Another root may have a directory there, with
 * links that only look like those of the kernel.
 */
export function isProcfs(view: View): boolean {
  if (view.isOwn) return true;
  const fd = look(view, "/proc");
  if (fd < 0) return false;
  const isThere = linksAt(fd) === "procfs";
  close(fd);
  return isThere;
}

/** Whether a directory may not be searched, not for its own dots either. */
function isClosed(view: View, path: string): boolean {
  const fd = look(view, `${path}/.`);
  if (fd >= 0) close(fd);
  return fd === -EACCES;
}

/** Remembers a link in the root directory that leads whoever reads it. */
function keepLink(path: string, text: string): void {
  if (get(STAT, stat, "st_uid") === 0) rememberLink(path, text, stat);
}

/** What follows a name that could not be looked at, as written. */
function join(path: string, todo: readonly string[]): string {
  const rest = todo.filter((part) => part !== "" && part !== ".").reverse();
  return rest.length === 0 ? path : normalize(`${path}/${rest.join("/")}`);
}
