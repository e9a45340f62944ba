/**
 * What the calls of `try_call` would do to files, told apart from the tracer: by
 * a table, and by asking the machine where paths lead.
 */

import { fromText } from "../src/abi/bytes.ts";
import type { SyscallName } from "../src/abi/syscalls.ts";
import type { Access, Call, FileKind, Use } from "../src/policy/call.ts";

/** What a call of the fixture does. */
interface Model {
  /** The system call. */
  readonly call: SyscallName;
  /** Whether a link at the end is followed. */
  readonly follow: boolean;
  /** What is done to the first path, where that is there, or not. */
  readonly uses: (kind: FileKind) => readonly Access[];
  /** Whether it makes something in a directory that its path names. */
  readonly within?: boolean;
  /** Whether it takes two paths. */
  readonly two?: boolean;
  /** How what had the first name gets the second one. */
  readonly moves?: "once" | "both ways";
  /** Whether it changes nothing, wherever it is made. */
  readonly harmless?: boolean;
  /** Whether it opens the file first, and is a second call then. */
  readonly opens?: boolean;
}

function always(...accesses: Access[]): () => readonly Access[] {
  return () => accesses;
}

function open(...accesses: Access[]): Model {
  return one("open", true, ...accesses);
}

function one(call: SyscallName, follow: boolean, ...uses: Access[]): Model {
  const harmless = uses.length > 0 &&
    uses.every((use) => use === "stat" || use === "read");
  return { call, follow, uses: always(...uses), harmless };
}

function two(call: SyscallName, moves?: Model["moves"]): Model {
  const model = { call, follow: false, uses: always("write"), two: true };
  return moves === undefined ? model : { ...model, moves };
}

function link(call: SyscallName, follow: boolean): Model {
  return { call, follow, uses: always("read", "write"), two: true };
}

const OPENS: Model = {
  ...{ call: "openat", follow: true, uses: always("read"), opens: true },
};

/** The calls, by the names that the fixture has for them. */
export const MODELS: Readonly<Record<string, Model>> = {
  open_read: open("read"),
  open_write: open("write"),
  open_both: open("write", "read"),
  open_append: open("write"),
  open_truncate: open("read", "write"),
  open_create: {
    ...open(),
    uses: (kind) => kind === "missing" ? ["read", "write"] : ["read"],
  },
  open_path: open("stat"),
  open_directory: open("read"),
  open_unnamed: { ...open("write"), within: true },
  creat: { ...open("write"), call: "creat" },
  openat: { ...open("read"), call: "openat" },
  openat2: { ...open("read"), call: "openat2" },
  stat: one("stat", true, "stat"),
  lstat: one("lstat", false, "stat"),
  newfstatat: one("newfstatat", true, "stat"),
  statx: one("statx", true, "stat"),
  access: one("access", true, "stat"),
  faccessat: one("faccessat", true, "stat", "read"),
  faccessat2: one("faccessat2", true, "stat", "read"),
  readlink: one("readlink", false, "stat"),
  readlinkat: one("readlinkat", false, "stat"),
  chdir: one("chdir", true, "stat"),
  statfs: one("statfs", true, "stat"),
  inotify: one("inotify_add_watch", true, "read"),
  getxattr: one("getxattr", true, "read"),
  lgetxattr: one("lgetxattr", false, "read"),
  listxattr: one("listxattr", true, "read"),
  llistxattr: one("llistxattr", false, "read"),
  execve: one("execve", true, "run"),
  execveat: one("execveat", true, "run"),
  mkdir: one("mkdir", false, "write"),
  mkdirat: one("mkdirat", false, "write"),
  rmdir: one("rmdir", false, "write"),
  unlink: one("unlink", false, "write"),
  unlinkat: one("unlinkat", false, "write"),
  unlinkat_dir: one("unlinkat", false, "write"),
  rename: two("rename", "once"),
  renameat: two("renameat", "once"),
  renameat2: two("renameat2", "once"),
  exchange: two("renameat2", "both ways"),
  link: link("link", false),
  linkat: link("linkat", true),
  symlink: one("symlink", false, "write"),
  symlinkat: one("symlinkat", false, "write"),
  mknod: one("mknod", false, "write"),
  mknodat: one("mknodat", false, "write"),
  chmod: one("chmod", true, "write"),
  fchmodat: one("fchmodat", true, "write"),
  fchmodat2: one("fchmodat2", true, "write"),
  chown: one("chown", true, "write"),
  lchown: one("lchown", false, "write"),
  fchownat: one("fchownat", true, "write"),
  utime: one("utime", true, "write"),
  utimes: one("utimes", true, "write"),
  futimesat: one("futimesat", true, "write"),
  utimensat: one("utimensat", true, "write"),
  truncate: one("truncate", true, "write"),
  setxattr: one("setxattr", true, "write"),
  lsetxattr: one("lsetxattr", false, "write"),
  removexattr: one("removexattr", true, "write"),
  lremovexattr: one("lremovexattr", false, "write"),
  fchmod: OPENS,
  fchown: OPENS,
  fchownat_empty: OPENS,
  futimens: OPENS,
  fsetxattr: OPENS,
  fremovexattr: OPENS,
  reopen: OPENS,
  reopen_dev: OPENS,
  link_fd: { ...OPENS, two: true },
};

/** A real path, and what is there. */
interface Found {
  readonly path: string;
  readonly kind: FileKind;
}

/** Rules have the tracee's own directory in /proc, and here it is this one's. */
const OWN_PROC = `/proc/${Deno.pid}`;

/**
 * The call that a word of the fixture makes.
 *
 * @param root what `%` stands for
 * @param words the call and its paths: `rename=%/a=%/b`
 * @returns the call; `undefined` where this file knows too little of it
 */
export function modelOf(root: string, words: string): Call | undefined {
  const [name = "", ...written] = words.split("=");
  const model = MODELS[name];
  if (model === undefined || model.opens === true) return undefined;
  const paths = written.map((path) => path.replace("%", root));
  const from = find(paths[0] ?? "", model.follow);
  const to = model.two === true ? find(paths[1] ?? "", false) : undefined;
  if (from === undefined || model.two === true && to === undefined) {
    return undefined;
  }
  const uses: Use[] = crossed(paths[0] ?? "", from.path);
  for (const access of model.uses(from.kind)) {
    const path = model.within === true ? `${from.path}/.` : from.path;
    uses.push({ access, kind: from.kind, path });
  }
  if (to === undefined) return { name: model.call, uses };
  uses.push(...crossed(paths[1] ?? "", to.path), { access: "write", ...to });
  // What is not there is moved nowhere.
  const fails = [from, model.moves === "once" ? from : to]
    .some(({ kind }) => kind === "missing");
  if (model.moves === undefined || fails) return { name: model.call, uses };
  const there = move(from, to);
  const moves = model.moves === "once" ? [there] : [there, move(to, from)];
  return { name: model.call, uses, moves };
}

function move(
  from: Found,
  to: Found,
): { from: string; to: string; tree: boolean } {
  return { from: from.path, to: to.path, tree: from.kind === "directory" };
}

/**
 * Looks at the directories that a path leads into, and out of again by `..`: that
 * it leads on tells that they are there.
 */
function crossed(path: string, real: string): Use[] {
  const names = path.split("/");
  return names.flatMap((name, at): Use[] => {
    if (name !== ".." || names[at - 1] === "..") return [];
    const directory = fromText(Deno.realPathSync(names.slice(0, at).join("/")));
    if (`${real}/`.startsWith(`${directory}/`)) return [];
    return [{ access: "stat", kind: "directory", path: directory }];
  });
}

/** Where a path leads; `undefined` where it leads nowhere, or ends in a slash. */
function find(path: string, follow: boolean): Found | undefined {
  if (path.endsWith("/")) return undefined;
  const slash = path.lastIndexOf("/");
  const name = path.slice(slash + 1);
  let above: string;
  try {
    above = Deno.realPathSync(path.slice(0, slash));
  } catch {
    return undefined;
  }
  // What a link to a descriptor leads to, it does not say.
  if (/^\/proc\/[^/]+\/fd$/.test(above)) return undefined;
  if (!Deno.statSync(above).isDirectory) return undefined;
  if (above === OWN_PROC || above.startsWith(`${OWN_PROC}/`)) {
    above = `/proc/self${above.slice(OWN_PROC.length)}`;
  }
  const real = `${above === "/" ? "" : above}/${name}`;
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(real);
  } catch {
    return { path: fromText(real), kind: "missing" };
  }
  if (info.isSymlink && follow) {
    return find(`${above}/${Deno.readLinkSync(real)}`, true);
  }
  const kind = info.isSymlink
    ? "link"
    : info.isDirectory
    ? "directory"
    : info.isCharDevice
    ? "device"
    : "file";
  return { path: fromText(real), kind };
}
