/** Where names mean the same in capital letters, or may. */

import { fromText, toCString, toText } from "../abi/bytes.ts";
import {
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
} from "../abi/fcntl.ts";
import { FS_CASEFOLD_FL, FS_IOC_GETFLAGS } from "../abi/ioctls.ts";
import { FUSE_SUPER_MAGIC, PLAIN_FILE_SYSTEMS } from "../abi/stat.ts";
import { furthest, type Realpath } from "../policy/path/rules.ts";
import { isWithin, pathIn } from "../policy/path/within.ts";
import { nextNames } from "../sys/directory.ts";
import { close, isSameFile } from "../sys/files.ts";
import { libc } from "../sys/libc.ts";
import type { View } from "../sys/view.ts";
import { foldingPlaces } from "../trace/path/mounts.ts";

/**
 * Finds where names may mean the same in capital letters: by what is mounted, and by
 * a try in each directory that rules name, and on the way there, since a disk may be
 * so, or some of its directories alone (`chattr +F` of ext4). Where a name means the
 * same in another form of Unicode alone (ZFS), that is taken for one of these.
 *
 * @param paths what the rules of a policy name
 * @param view where paths begin
 * @param realpath finds real paths there
 */
export function foldingIn(
  paths: readonly string[],
  view: View,
  realpath: Realpath,
): readonly string[] {
  const trials = new Trials(foldingPlaces(view.mounts()), view);
  const seen = new Set<string>();
  const ends = new Set<string>();
  for (const named of new Set(paths)) {
    for (const path of waysOf(named, view, realpath)) {
      if (ends.has(path)) continue;
      ends.add(path);
      let directory = "/";
      for (const name of path.split("/").slice(1)) {
        const at = pathIn(directory, name);
        if (!seen.has(at)) trials.ofName(directory, name);
        seen.add(at);
        directory = at;
      }
    }
  }
  for (const path of ends) trials.ofAny(path);
  return trials.found;
}

/** Tries names in other spellings. */
class Trials {
  /** Where names mean the same, or may. */
  readonly found: string[];
  readonly #view: View;
  /** Directories of which it is known. */
  readonly #known = new Set<string>();

  constructor(places: readonly string[], view: View) {
    this.found = [...places];
    this.#view = view;
  }

  /** Tries whether a directory tells letters, once, and forms of one name. */
  ofName(directory: string, name: string): void {
    const others = inOtherLetters(name);
    if (others.length > 0 && !this.#known.has(directory)) {
      // Some know no other letters: what they say of these alone is said of all.
      if (hasAsciiLetter(name)) this.#known.add(directory);
      for (const other of others) this.#compare(directory, name, other);
    }
    const form = otherForm(name);
    if (form !== name) this.#compare(directory, name, form);
  }

  /**
   * Tries what is known of no name: whether a directory says that it tells no letters,
   * or by a name that is in there.
   */
  ofAny(directory: string): void {
    if (this.#known.has(directory) || !this.#mayTry(directory)) return;
    const fd = openDirectory(directory, this.#view);
    if (fd < 0) return;
    const says = saysFolding(fd);
    const name = says ? undefined : nameToTry(fd);
    close(fd);
    if (says) this.found.push(directory);
    if (name !== undefined) this.ofName(directory, name);
  }

  #compare(directory: string, name: string, other: string): void {
    if (
      this.#mayTry(directory) && isOther(directory, name, other, this.#view)
    ) this.found.push(directory);
  }

  #mayTry(directory: string): boolean {
    return !this.found.some((place) => isWithin(directory, place)) &&
      mayBeTried(this.#view.fileSystemOf(directory));
  }
}

/**
 * Where a path leads, or the nearest one above it that leads somewhere, and the links
 * by which it does.
 */
function waysOf(
  path: string,
  view: View,
  realpath: Realpath,
): readonly string[] {
  const names = path.split("/").slice(1);
  const { known, real } = furthest(names, realpath);
  const at = `/${names.slice(0, known).join("/")}`;
  return real === at ? [real] : [real, ...view.links(at)];
}

/** Room for a few names, in bytes: one of them has letters, but for odd cases. */
const SOME_NAMES = 1024;

function openDirectory(path: string, view: View): number {
  const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  return view.open(toCString(path), flags);
}

/** Whether a directory says that it does not tell letters: ext4, f2fs, tmpfs. */
function saysFolding(fd: number): boolean {
  // The kernel writes four bytes of it.
  const flags = new Uint32Array(2);
  const result = libc.ioctl(
    ...[fd, FS_IOC_GETFLAGS, new Uint8Array(flags.buffer)] as const,
  );
  return result >= 0 && ((flags[0] as number) & FS_CASEFOLD_FL) !== 0;
}

/**
 * Finds a name in an open directory.
 *
 * @returns the name; `undefined` where it is not there, or a negative errno
 */
function findName(
  fd: number,
  isMeant: (name: string) => boolean,
): string | number | undefined {
  for (let room: number | undefined = SOME_NAMES;; room = undefined) {
    const names = nextNames(fd, room);
    if (!Array.isArray(names)) return names;
    const name = names.find(isMeant);
    if (name !== undefined) return name;
  }
}

/** A name in an open directory with other letters: with some of ASCII, if one has them. */
function nameToTry(fd: number): string | undefined {
  let beyond: string | undefined;
  const plain = findName(fd, (name) => {
    const hasOther = inOtherLetters(name).length > 0;
    if (hasOther && !hasAsciiLetter(name)) beyond ??= name;
    return hasOther && hasAsciiLetter(name);
  });
  return typeof plain === "string" ? plain : beyond;
}

/**
 * Whether one name of a directory is another one of the same file: it leads there,
 * without links, or somewhere and is not listed. Where a process serves files, each
 * spelling may have a number of its own, and what is mounted by one not lie on others.
 */
function isOther(
  directory: string,
  name: string,
  other: string,
  view: View,
): boolean {
  const flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  const two = view.open(toCString(pathIn(directory, other)), flags);
  if (two < 0) return false;
  const one = view.open(toCString(pathIn(directory, name)), flags);
  const same = one >= 0 && isSameFile(one, two);
  for (const fd of [one, two]) if (fd >= 0) close(fd);
  if (same) return true;
  const fd = openDirectory(directory, view);
  if (fd < 0) return false;
  const found = findName(fd, (listed) => listed === other);
  close(fd);
  return found === undefined;
}

/**
 * Whether nothing is asked over a network, or mounted, by another name. Whoever serves
 * a file system need not say what it is.
 *
 * @param type the kind of the file system, or a negative errno
 */
function mayBeTried(type: number): boolean {
  return type < 0 || type === FUSE_SUPER_MAGIC || PLAIN_FILE_SYSTEMS.has(type);
}

/**
 * A name with small letters for capital ones, and the other way round. Of letters
 * beyond ASCII each is tried alone, since some may be told and others not; what is no
 * text means itself alone where others have more names.
 */
function inOtherLetters(name: string): readonly string[] {
  const text = toText(name);
  if (text === undefined) return [];
  const swapped = name.replace(/[a-z]+|[A-Z]+/g, inOtherCase);
  if (swapped !== name) return [swapped];
  const letters = Array.from(text);
  return letters.flatMap((letter, at) => {
    const other = inOtherCase(letter);
    return other === letter ? [] : [fromText(letters.with(at, other).join(""))];
  });
}

function hasAsciiLetter(name: string): boolean {
  return /[A-Za-z]/.test(name);
}

function inOtherCase(letters: string): string {
  const small = letters.toLowerCase();
  return small === letters ? letters.toUpperCase() : small;
}

/** A name in another form of Unicode; the same where it has but one. */
function otherForm(name: string): string {
  // A letter of ASCII that another one stands for as well: the sign of kelvin.
  if (!/[K\x80-\xff]/.test(name)) return name;
  const text = toText(name);
  if (text === undefined) return name;
  const parts = text.normalize("NFD");
  const other = parts === text ? text.normalize("NFC") : parts;
  return fromText(other === text ? text.replaceAll("K", "\u212a") : other);
}
