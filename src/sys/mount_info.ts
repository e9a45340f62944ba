/** What is mounted, as `/proc/<pid>/mountinfo` says it: proc_pid_mountinfo(5). */

/** A file system that is mounted somewhere. */
export interface Mount {
  /** Its id. */
  readonly id: string;
  /** The id of the mount that it is mounted on. */
  readonly on: string;
  /** Which file system of its kind: `major:minor`. */
  readonly device: string;
  /** What of it is mounted: `/` for all. */
  readonly root: string;
  /** Where. */
  readonly point: string;
  /** What kind it is, such as `proc`. */
  readonly type: string;
  /** What the file system itself says of how it is mounted, as it is written there. */
  readonly options: string;
}

/** Where a mount is, and what lies over it. */
export interface MountPlace {
  /**
   * Where it begins, as the program sees it: `/` where that is not beneath its
   * root.
   */
  readonly point: string;
  /** Where others lie over what is in it. */
  readonly over: ReadonlySet<string>;
}

/** What d_path() in the kernel's fs/d_path.c puts behind the name of a removed file. */
export const REMOVED = " (deleted)";

/**
 * The path of what is in a mount. A file that is mounted by itself has one as long as
 * that is there, though it was removed from where it comes from, and is called so.
 *
 * @param point where the mount is
 * @param name what the kernel calls the file
 */
export function pathOnMount(point: string | undefined, name: string): string {
  if (!name.endsWith(REMOVED) || point === "/") return name;
  return name.slice(0, -REMOVED.length) === point ? point : name;
}

/**
 * Reads a mountinfo.
 *
 * @param text what it says, a byte string
 * @param nameOf what the program calls a path in it
 * @returns the mounts, in its order
 */
export function mountsIn(
  text: string,
  nameOf: (point: string) => string,
): Mount[] {
  return text.split("\n").flatMap((line) => {
    // id parent major:minor root mount-point options … - type source options
    const [before = "", after] = line.split(" - ");
    const [id, on, device, root, point] = before.split(" ");
    const [type, , options = ""] = after?.split(" ") ?? [];
    if (
      id === undefined || on === undefined || device === undefined ||
      root === undefined || point === undefined || type === undefined
    ) return [];
    return [{
      ...{ id, on, device, type, options },
      root: spelled(root),
      point: nameOf(spelled(point)),
    }];
  });
}

/**
 * Where a mount is, if it is there. Whatever else is mounted lies over what has its
 * name, but what that mount itself is mounted on.
 *
 * @param mounts all mounts
 * @param id its id
 */
export function placeOf(
  mounts: readonly Mount[],
  id: string,
): MountPlace | undefined {
  const left = new Map(mounts.map((mount) => [mount.id, mount]));
  const own = left.get(id);
  if (own === undefined) return undefined;
  let below: Mount | undefined = own;
  while (below !== undefined) {
    left.delete(below.id);
    below = left.get(below.on);
  }
  const points = [...left.values()].map(({ point }) => point).filter(isPath);
  return { point: isPath(own.point) ? own.point : "/", over: new Set(points) };
}

/** Whether the name of a place is a path of the program. */
export function isPath(point: string): boolean {
  return point.startsWith("/");
}

/** A path in mountinfo: blanks, tabs, newlines and \ are octal. */
export function spelled(text: string): string {
  return text.replace(
    /\\([0-7]{3})/g,
    (_, code) => String.fromCharCode(parseInt(code, 8)),
  );
}
