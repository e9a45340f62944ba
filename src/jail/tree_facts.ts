/** What a tree of mounts has to know of the files of this machine. */

import { toCString } from "../abi/bytes.ts";
import {
  DEVICE_NUMBERS,
  isTerminalDevice,
  majorOf,
  minorOf,
} from "../abi/devices.ts";
import {
  DT_BLK,
  DT_CHR,
  DT_FIFO,
  DT_UNKNOWN,
  typeListed,
} from "../abi/dirent.ts";
import { EACCES, EINVAL } from "../abi/errno.ts";
import {
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  W_OK,
  X_OK,
} from "../abi/fcntl.ts";
import { get } from "../abi/layout.ts";
import { S_IFBLK, S_IFCHR, S_IFMT, STAT } from "../abi/stat.ts";
import { pathsOfRules } from "../policy/path/rules.ts";
import { isWithin, pathIn } from "../policy/path/within.ts";
import type { Policy } from "../policy/policy.ts";
import type { TreeFacts } from "../policy/tree/tree.ts";
import { close, readLink, typeOf } from "../sys/files.ts";
import { ownUser } from "../sys/ids.ts";
import { landlockAbi } from "../sys/landlock.ts";
import { told } from "../sys/told.ts";
import { OWN_VIEW } from "../sys/view.ts";
import { walk } from "../sys/walk.ts";
import { otherPlaces } from "../trace/path/inside.ts";
import { layersAmong, shownBy } from "../trace/path/layers.ts";
import {
  controlGroups,
  otherProcs,
  overProc,
  procDevice,
  settingsElsewhere,
} from "../trace/path/mounts.ts";
import { floorFacts, type FloorPlace } from "./floor.ts";
import { foldingIn } from "./folding.ts";

/**
 * What a policy's tree depends on here.
 *
 * @param policy the policy
 * @param at where the program runs
 * @param foundBy the links by which the program is found, and where it works
 * @param written files that it may write by what it is handed
 * @throws {SystemCallError} where what is mounted cannot be told
 */
export function treeFacts(
  policy: Policy,
  at: FloorPlace,
  foundBy: readonly string[],
  written: readonly string[],
): TreeFacts {
  const facts = floorFacts(at, landlockAbi());
  const mounts = OWN_VIEW.mounts();
  return {
    ...facts,
    links: (path) => OWN_VIEW.links(path),
    target: (path) => {
      const target = readLink(path);
      if (typeof target === "string") return target;
      // It is no link.
      if (target !== -EINVAL) told(path, target);
      return undefined;
    },
    names: (path) => OWN_VIEW.names(path),
    walk: (from, enters, unlisted) =>
      walk(
        from,
        (directory, name) =>
          // The program has processes of its own.
          !(directory === "/" && name === "proc") && enters(directory, name),
        unlisted,
      ),
    procs: otherProcs(mounts, procDevice(mounts)).filter((path) =>
      !isWithin(path, "/proc")
    ),
    mounted: [
      ...new Set(
        mounts.filter(({ type, point }) =>
          // What is looked for there would be mounted.
          type !== "autofs" && !isWithin(point, "/proc")
        ).map(({ point }) => point),
      ),
    ],
    alsoAt: (path, of) =>
      otherPlaces(mounts, path, (places) => {
        const layers = layersAmong(mounts);
        // What shows by an overlay is in any of them, and what is made by it in one.
        const all = layers.map((layer) => ({ ...layer, upper: true }));
        return shownBy(of === "made" ? layers : all, places);
      }),
    unlisted: unlistedIn,
    overProc: overProc(mounts),
    groups: controlGroups(mounts),
    folding: foldingIn(pathsOfRules(policy), OWN_VIEW, facts.realpath),
    settings: settingsElsewhere(mounts),
    isSetByReaders,
    pipe: pipeIn,
    devices: devicesIn,
    alone: policy.net === "none",
    cwd: facts.realpath(at.cwd) ?? at.cwd,
    foundBy,
    written,
  };
}

/**
 * Directories of snapshots that no directory lists, by the names that file systems
 * give them; whether each directory may have one, or the topmost alone.
 */
const SNAPSHOTS: readonly (readonly [name: string, everywhere: boolean])[] = [
  // ZFS, `snapdir=hidden`.
  [".zfs", false],
  // Ceph; servers of NFS.
  [".snap", true],
  [".snapshot", true],
  ["~snapshot", true],
];

/** Which of those there are where something is mounted. */
function unlistedIn(top: string): ReadonlyMap<string, boolean> {
  const flags = O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
  const found = new Map<string, boolean>();
  for (const [name, everywhere] of SNAPSHOTS) {
    const path = pathIn(top, name);
    // Where that cannot be told, nothing is listed either, and all is closed.
    const fd = OWN_VIEW.open(toCString(path), flags);
    if (fd < 0) continue;
    close(fd);
    let isListed = false;
    walk(top, (directory, one) => {
      isListed ||= directory === top && one === name;
      return false;
    }, () => {});
    if (!isListed) found.set(path, everywhere);
  }
  return found;
}

/**
 * The first pipe that is found at a path, or beneath it; or where one may be that
 * can be reached, and not be found.
 */
function pipeIn(path: string): string | undefined {
  let found = typeAt(path, DT_UNKNOWN) === DT_FIFO ? path : undefined;
  walk(path, (directory, name, type) => {
    if (found !== undefined) return false;
    const path = pathIn(directory, name);
    if (typeAt(path, type) === DT_FIFO) found = path;
    return true;
  }, (directory) => {
    if (OWN_VIEW.access(toCString(directory), X_OK) !== -EACCES) {
      found ??= directory;
    }
  });
  return found;
}

/** The devices beneath a directory, and what may hide one that can be moved. */
function devicesIn(
  path: string,
  unlisted: (directory: string) => void,
): string[] {
  const found: string[] = [];
  walk(path, (directory, name, type) => {
    const path = pathIn(directory, name);
    if ([DT_CHR, DT_BLK].includes(typeAt(path, type))) found.push(path);
    return true;
  }, (directory) => {
    const name = toCString(directory);
    // Its owner lets himself do so.
    const isOwn = OWN_VIEW.stat(name, stat) >= 0 &&
      get(STAT, stat, "st_uid") === ownUser();
    if (isOwn || OWN_VIEW.access(name, W_OK | X_OK) >= 0) unlisted(directory);
  });
  return found;
}

/**
 * What is at a path, as `DT_*`: there are file systems whose directories do not list
 * it with the name.
 */
function typeAt(path: string, listed: number): number {
  if (listed !== DT_UNKNOWN) return listed;
  const flags = O_PATH | O_CLOEXEC | O_NOFOLLOW;
  const fd = told(path, OWN_VIEW.open(toCString(path), flags));
  if (fd < 0) return DT_UNKNOWN;
  const type = typeOf(fd);
  close(fd);
  return type < 0 ? DT_UNKNOWN : typeListed(type);
}

const stat = new Uint8Array(STAT.size);

/** Whether a device is a disk, or a terminal that not any program may use. */
function isSetByReaders(path: string): boolean {
  if (DEVICE_NUMBERS.has(path)) return false;
  const result = told(path, OWN_VIEW.stat(toCString(path), stat));
  const device = get(STAT, stat, "st_rdev");
  const type = get(STAT, stat, "st_mode") & S_IFMT;
  if (result >= 0 && type === S_IFBLK) return true;
  if (result < 0 || type !== S_IFCHR) return false;
  if (isTerminalDevice(device)) return true;
  const name = `/sys/dev/char/${majorOf(device)}:${minorOf(device)}`;
  const kind = readLink(`${name}/subsystem`);
  return typeof kind === "string" && kind.endsWith("/tty");
}
