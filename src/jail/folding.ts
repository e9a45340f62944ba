/** Where names mean the same in capital letters, or may. */

import { fromText, toCString, toText } from "../abi/bytes.ts";
import {
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
} from "../abi/fcntl.ts";
import { FUSE_SUPER_MAGIC, PLAIN_FILE_SYSTEMS } from "../abi/stat.ts";
import type { Realpath } from "../policy/path/rules.ts";
import { isWithin, parentOf, pathIn } from "../policy/path/within.ts";
import { nextNames } from "../sys/directory.ts";
import { close, isSameFile } from "../sys/files.ts";
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
    const other = swapped(name);
    if (other !== name && !this.#known.has(directory)) {
      this.#known.add(directory);
      this.#compare(directory, name, other);
    }
    const form = otherForm(name);
    if (form !== name) this.#compare(directory, name, form);
  }

  /** Tries by a name that is in a directory, where none is known that has letters. */
  ofAny(directory: string): void {
    if (this.#known.has(directory) || !this.#mayTry(directory)) return;
    const name = someName(directory, this.#view);
    if (name !== undefined) this.ofName(directory, name);
  }

  #compare(directory: string, name: string, other: string): void {
    const path = pathIn(directory, name);
    if (
      this.#mayTry(directory) &&
      isSame(path, pathIn(directory, other), this.#view)
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
  for (let at = path; at !== "/"; at = parentOf(at)) {
    const real = realpath(at);
    if (real !== undefined) {
      return real === at ? [real] : [real, ...view.links(at)];
    }
  }
  return ["/"];
}

/** Room for a few names, in bytes: one of them has letters. */
const SOME_NAMES = 1024;

/** A name in a directory that has another one in other letters. */
function someName(directory: string, view: View): string | undefined {
  const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  const fd = view.open(toCString(directory), flags);
  if (fd < 0) return undefined;
  const names = nextNames(fd, SOME_NAMES);
  close(fd);
  if (!Array.isArray(names)) return undefined;
  return names.find((name) => swapped(name) !== name);
}

/** Whether two paths lead to one file, without links. */
function isSame(path: string, other: string, view: View): boolean {
  const flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  const two = view.open(toCString(other), flags);
  if (two < 0) return false;
  const one = view.open(toCString(path), flags);
  const same = one >= 0 && isSameFile(one, two);
  for (const fd of [one, two]) if (fd >= 0) close(fd);
  return same;
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

/** A name with small letters for capital ones, and the other way round. */
function swapped(name: string): string {
  return name.replace(
    /[a-z]+|[A-Z]+/g,
    (letters) => letters < "a" ? letters.toLowerCase() : letters.toUpperCase(),
  );
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
