import { assertEquals } from "@std/assert";
import type { TreeNode } from "../../tree_node.ts";
import { parsePolicy } from "../file/parse.ts";
import type { FloorKind } from "../floor/grants.ts";
import { mergeLayers } from "../merge.ts";
import { isWithin } from "../path/within.ts";
import { treeOf } from "./tree.ts";

const FILES: Readonly<Record<string, FloorKind>> = {
  "/": "directory",
  "/dev": "directory",
  "/dev/kmsg": "device",
  "/dev/null": "device",
  "/dev/pts": "directory",
  "/dev/ptmx": "device",
  "/dev/ttyS0": "device",
  "/dev/shm": "directory",
  "/dev/shm/kept": "directory",
  "/dev/snd": "directory",
  "/etc": "directory",
  "/etc/passwd": "file",
  "/etc/secret": "file",
  "/home": "directory",
  "/home/me": "directory",
  "/home/me/p": "directory",
  "/home/me/p/.git": "directory",
  "/home/me/p/.git/config": "file",
  "/home/me/p/a": "directory",
  "/home/me/p/a/.git": "directory",
  "/home/me/p/a/.ssh": "directory",
  "/home/me/p/a/.ssh/id": "file",
  "/lib": "link",
  "/proc": "directory",
  "/proc/1": "directory",
  "/proc/cpuinfo": "file",
  "/proc/kcore": "file",
  "/proc/self": "link",
  "/proc/self/environ": "file",
  "/proc/sys": "directory",
  "/proc/sys/kernel": "directory",
  "/proc/sys/vm": "directory",
  "/srv": "directory",
  "/srv/group": "directory",
  "/srv/proc": "directory",
  "/usr": "directory",
  "/usr/bin": "directory",
  "/usr/bin/gs": "file",
  "/usr/lib": "directory",
};

function namesIn(directory: string): string[] {
  const prefix = directory === "/" ? "/" : `${directory}/`;
  return Object.keys(FILES).filter((path) =>
    path.startsWith(prefix) && path !== "/" &&
    !path.slice(prefix.length).includes("/")
  ).map((path) => path.slice(prefix.length));
}

function walk(
  from: string,
  enters: (directory: string, name: string) => boolean,
): void {
  for (const name of namesIn(from)) {
    const path = `${from === "/" ? "" : from}/${name}`;
    if (enters(from, name)) walk(path, enters);
  }
}

/** The link that a path leads through: each leads to /usr/lib. */
function linkOn(path: string): string | undefined {
  return ["/lib", "/srv/lib"].find((link) => isWithin(path, link));
}

const FACTS: Parameters<typeof treeOf>[1] = {
  abi: 7,
  realpath: (path) => {
    const link = linkOn(path);
    if (link === undefined) return path in FILES ? path : undefined;
    return path.replace(link, "/usr/lib");
  },
  kind: (path) => FILES[path] ?? "missing",
  loaders: ["/usr/lib/ld.so"],
  isOutOfReach: () => false,
  links: (path) => [linkOn(path)].filter((link) => link !== undefined),
  target: (path) => path === "/lib" ? "usr/lib" : undefined,
  names: namesIn,
  walk,
  procs: [],
  groups: [],
  settings: [],
  folding: [],
  overProc: [],
  mounted: [],
  unlisted: () => new Map(),
  alsoAt: () => [],
  devices: () => [],
  isSetByReaders: (path) => path === "/dev/ttyS0",
  pipe: (path) => path === "/home/me/p/a" ? "/home/me/p/a/pipe" : undefined,
  alone: true,
  cwd: "/",
  foundBy: [],
  written: [],
};

/** A node as a person reads it. */
function spell(node: TreeNode): string {
  switch (node.kind) {
    case "bind":
      return `${node.path} ${node.write ? "rw" : "ro"}${
        node.noRun ? " noexec" : ""
      }`;
    case "link":
      return `${node.path} -> ${node.to}`;
    case "directory":
      return `${node.path}/`;
    case "closed":
      return `${node.path} closed`;
    case "processes":
    case "terminals":
      return `${node.path} new`;
  }
}

async function made(text: string, facts = FACTS): Promise<string[]> {
  const layer = await parsePolicy(text, { source: "p.yaml", variables: {} });
  const { nodes, unheld, stricter } = treeOf(mergeLayers([layer]), facts);
  return [
    ...nodes.filter(({ path }) => !/^\/dev\/(?:fd|std)/.test(path)).map(spell),
    ...unheld.map(({ rule, why }) => `${rule.text}: ${why}`),
    ...stricter.map(({ why }) => `but ${why}`),
  ];
}

/** Where one directory may not be searched. */
const BEYOND: Partial<typeof FACTS> = {
  isOutOfReach: (path) => isWithin(path, "/home/me/p/a"),
  kind: (path) => isWithin(path, "/home/me/p/a") ? "missing" : FACTS.kind(path),
};

/** With the kernel's settings. */
const SET: Partial<typeof FACTS> = {
  kind: (path) => isWithin(path, "/sys") ? "directory" : FACTS.kind(path),
  names: (path) => path === "/" ? [...namesIn("/"), "sys"] : namesIn(path),
};

/** What is in the root directory, where all of that may be read. */
const MACHINE = ["/etc ro", "/home ro", "/srv ro", "/usr ro"];
const LINKS = ["/lib -> usr/lib"];

interface Case {
  readonly name: string;
  readonly policy: string;
  readonly tree: readonly string[];
  readonly machine?: Partial<typeof FACTS>;
}

const CASES: readonly Case[] = [
  { name: "has nothing where nothing is allowed", policy: "{}", tree: [] },
  {
    name: "has what may be read, and the directories that lead there",
    policy: "read: [/home/me/p]",
    tree: ["/home/", "/home/me/", "/home/me/p ro"],
  },
  {
    name: "has one mount where one rule lies in another",
    policy: "read: [/usr, /usr/lib]",
    tree: ["/usr ro"],
  },
  {
    name: "has the links that rules lead through",
    policy: "read: [/lib]",
    tree: ["/usr/", "/usr/lib ro", "/lib -> usr/lib"],
  },
  {
    name:
      "closes links that may not be read, and has none of the root directory",
    policy: `read: {allow: [/srv], deny: ["/**/link*", /lib]}`,
    machine: {
      walk: (from, enters): void =>
        ["link", "link2"].forEach((name) => enters(from, name)),
      kind: (path): FloorKind =>
        path.startsWith("/srv/link") ? "link" : FACTS.kind(path),
    },
    tree: [
      ...["/srv ro", "/srv/link closed", "/srv/link2 closed"],
      "but /srv/link is a link, and does not lead on either",
    ],
  },
  {
    name: "has a directory that may be listed, and nothing of what is in it",
    policy: "read: [/home/.]",
    tree: ["/home/"],
  },
  {
    name: "is written where that is allowed, and executed only with a rule",
    policy: "{read: [/home/me/p], write: [/home/me/p]}",
    tree: ["/home/", "/home/me/", "/home/me/p rw noexec"],
  },
  {
    name: "is executed where it is written, if a rule says so",
    policy: "{read: [/home/me/p], write: [/home/me/p], run: [/home/me/p]}",
    tree: ["/home/", "/home/me/", "/home/me/p rw"],
  },
  {
    name: "cannot be written where that is refused, nor be moved there",
    policy:
      "{read: [/home/me/p], write: {allow: [/home/me/p], deny: [/home/me/p/a/.git]}}",
    tree: [
      ...["/home/", "/home/me/", "/home/me/p rw noexec"],
      ...["/home/me/p/a rw noexec", "/home/me/p/a/.git ro"],
    ],
  },
  {
    name: "does not hold what the program could make",
    policy:
      "{read: [/home/me/p], write: {allow: [/home/me/p], deny: [/home/me/p/new]}}",
    tree: [
      ...["/home/", "/home/me/", "/home/me/p rw noexec"],
      "/home/me/p/new: it is not there, and the program could make it",
    ],
  },
  {
    name: "does not hold a wildcard for what the program could make",
    policy:
      '{read: [/home/me/p], write: {allow: [/home/me/p], deny: ["/home/me/p/**/.git"]}}',
    tree: [
      ...["/home/", "/home/me/", "/home/me/p rw noexec"],
      ...["/home/me/p/.git ro", "/home/me/p/a rw noexec"],
      "/home/me/p/a/.git ro",
      "/home/me/p/**/.git: the program could make what it means",
    ],
  },
  {
    name: "keeps a place where another rule begins from being replaced",
    policy: "{read: [/home/me/p, /home/me/p/a], write: [/home/me/p]}",
    tree: [
      ...["/home/", "/home/me/", "/home/me/p rw noexec"],
      "/home/me/p/a rw noexec",
    ],
  },
  {
    name: "does not hold a file that is to be made where nothing is",
    policy: "write: [/home/me/new]",
    tree: ["/home/me/new: it is not there, and only what is there is written"],
  },
  {
    name: "closes what is there, where the program could make more of it",
    policy: "{read: {allow: [/srv], deny: [/srv/new]}, write: [/srv]}",
    tree: ["/srv rw noexec"],
  },
  {
    name: "does not hold a wildcard whose first names the program could make",
    policy: '{read: [/srv, "/srv/new/*.ps"], write: [/srv]}',
    tree: [
      "/srv rw noexec",
      "/srv/new/*.ps: it is not there, and the program could make it",
    ],
  },
  {
    name: "closes what is refused",
    policy: "read: {allow: [/etc], deny: [/etc/secret, /etc/none]}",
    tree: ["/etc ro", "/etc/secret closed"],
  },
  {
    name: "closes what a wildcard refuses, of all that is there",
    policy: 'read: {allow: [/home], deny: ["/**/.ssh/**", "/etc/s*"]}',
    tree: ["/home ro", "/home/me/p/a/.ssh closed"],
  },
  {
    name: "has nothing beneath what is refused, whatever is allowed there",
    policy: "read: {allow: [/home, /home/me/p], deny: [/home/me]}",
    tree: ["/home ro", "/home/me closed"],
  },
  {
    name: "does not hide what is there",
    policy: "read: {allow: [/etc], ignore: [/etc/secret, /etc/none]}",
    tree: [
      ...["/etc ro", "/etc/secret closed"],
      "/etc/secret: /etc/secret is there, and would be seen",
    ],
  },
  {
    name: "does not hide what the program could make",
    policy: "{read: {allow: [/home/me/p], ignore: [/home/me/p/none]}, " +
      "write: [/home/me/p]}",
    tree: [
      ...["/home/", "/home/me/", "/home/me/p rw noexec"],
      "/home/me/p/none: it is not there, and the program could make it",
    ],
  },
  {
    name: "does not hide what the program could make by a wildcard",
    policy: '{read: {allow: [/home/me/p], ignore: ["/home/**/none"]}, ' +
      "write: [/home/me/p]}",
    tree: [
      ...["/home/", "/home/me/", "/home/me/p rw noexec"],
      "/home/**/none: the program could make what it means",
    ],
  },
  {
    name: "has what a wildcard allows, of all that is there",
    policy: 'read: ["/usr/b*/**", "/etc/pass*", "/none/*"]',
    tree: ["/etc/", "/etc/passwd ro", "/usr/", "/usr/bin ro"],
  },
  {
    name: "has a directory that a wildcard means, without what is in it",
    policy: 'read: ["/usr/*"]',
    tree: ["/usr/", "/usr/bin/", "/usr/lib/"],
  },
  {
    name: "does not let be written what may not be read",
    policy: "write: [/home/me/p]",
    tree: ["/home/me/p: it may not be read, and what is there can be"],
  },
  {
    name: "does not let be written what a rule refuses to read",
    policy: "{read: {allow: [/home], deny: [/home/me/p]}, write: [/home/me/p]}",
    tree: [
      ...["/home ro", "/home/me/p closed"],
      "/home/me/p: it may not be read, and what is there can be",
    ],
  },
  {
    name: "does not refuse a directory by a wildcard, without what is in it",
    policy: '{read: {allow: [/usr], deny: ["/usr/l?b"]}}',
    tree: [
      ...["/usr ro", "/usr/lib closed"],
      "/usr/l?b: it is one directory, without what is in it",
    ],
  },
  {
    name: "does not hold what is refused by a link that could be replaced",
    policy: '{read: {allow: [/srv], deny: ["/srv/lib/*.key"]}, write: [/srv]}',
    tree: [
      "/srv rw noexec",
      "/srv/lib/*.key: it leads through a link that the program could replace",
    ],
  },
  {
    name: "does not hold a device that may not be written where all may be",
    policy: "{read: [/dev/null], write: {allow: [/dev], deny: [/dev/null]}}",
    tree: [
      ...["/dev/", "/dev/null ro"],
      "/dev: it may not be read, and what is there can be",
      "/dev/null: /dev/null is a device, and would be written",
    ],
  },
  {
    name: "keeps the directories that lead to what is refused",
    policy:
      "{read: {allow: [/home/me], deny: [/home/me/p/a/.ssh]}, write: [/home/me]}",
    tree: [
      ...["/home/", "/home/me rw noexec", "/home/me/p rw noexec"],
      ...["/home/me/p/a rw noexec", "/home/me/p/a/.ssh closed"],
      "but /home/me/p/a/.ssh is not written either",
    ],
  },
  {
    name: "keeps those that lead to what is refused wherever it is",
    policy:
      '{read: {allow: [/home/me], deny: ["/**/.ssh/**"]}, write: [/home/me]}',
    tree: [
      ...["/home/", "/home/me rw noexec", "/home/me/p rw noexec"],
      ...["/home/me/p/a rw noexec", "/home/me/p/a/.ssh closed"],
      "but /home/me/p/a/.ssh is not written either",
    ],
  },
  {
    name:
      "closes a directory that cannot be listed, where a wildcard may mean what is in it",
    policy: 'read: {allow: [/home], deny: ["/**/.ssh/**", "/home/*"]}',
    machine: {
      walk: (_from, _enters, unlisted): void => unlisted("/home/me/p/a"),
    },
    tree: ["/home ro", "/home/me/p/a closed"],
  },
  {
    name: "closes the directory in which nothing can be looked at",
    policy: 'read: {allow: [/home], deny: ["/**/.ssh/**"]}',
    machine: BEYOND,
    tree: ["/home ro", "/home/me/p closed"],
  },
  {
    name:
      "does not hold a wildcard where something allowed lies in a directory that cannot be listed",
    policy: 'read: {allow: [/home, /home/me/p/a], deny: ["/**/.ssh/**"]}',
    machine: {
      walk: (_from, _enters, unlisted): void => unlisted("/home/me"),
    },
    tree: [
      "/home ro",
      "/**/.ssh/**: jail may not look at all that is in /home/me",
    ],
  },
  {
    name: "closes the directory of what is refused by name and is out of reach",
    policy: "read: {allow: [/home], deny: [/home/me/p/a/.ssh]}",
    machine: BEYOND,
    tree: ["/home ro", "/home/me/p closed"],
  },
  {
    name:
      "closes a directory alone of which nobody else is told what is in it, and shows none",
    policy: 'read: {allow: [/home, /etc], deny: ["/**/.ssh/**"]}',
    machine: {
      isOutOfReach: (path): boolean => ["/home/me/p", "/etc"].includes(path),
      walk: (_from, _enters, unlisted): void => unlisted("/home/me/p"),
    },
    tree: ["/home ro", "/home/me/p closed"],
  },
  {
    name: "closes that of what is refused to be run, too",
    policy: "{read: [/home], run: {allow: [/home], deny: [/home/me/p/a/.ssh]}}",
    machine: BEYOND,
    tree: [
      "/home ro",
      "/home/me/p closed",
      "but what may not be read is not run either",
    ],
  },
  {
    name: "says what is not run, or written, since it may not be read",
    policy:
      "{read: {allow: [/home], deny: [/home/me/p]}, run: [/home/me], write: [/home]}",
    tree: [
      ...["/home rw noexec", "/home/me rw", "/home/me/p closed"],
      "but /home/me/p is not written either",
      "but what may not be read is not run either",
    ],
  },
  {
    name: "does not hold a wildcard that may mean what is in /proc",
    policy: 'read: [/usr, "/*/cpuinfo", "/**/environ", "/**/gs", "/u*/bin"]',
    tree: [
      "/usr ro",
      ...["/*/cpuinfo", "/**/environ"]
        .map((rule) => `${rule}: it may mean what is in /proc`),
    ],
  },
  {
    name: "does not hold a policy that says how all is refused",
    policy: "{read: [/usr], default: EPERM}",
    tree: [
      "/usr ro",
      "default: EPERM: the kernel alone refuses in its own way",
    ],
  },
  {
    name: "holds one that says what a refusal is without a word",
    policy: "{read: [/usr], default: EACCES, unseen: ENOENT}",
    tree: ["/usr ro"],
  },
  {
    name: "does not hold a policy that says that what is not there is refused",
    policy: "{read: [/usr], unseen: EPERM}",
    tree: [
      "/usr ro",
      "unseen: EPERM: the kernel alone refuses in its own way",
    ],
  },
  {
    name: "does not hold a rule about a link when nobody knows where it leads",
    policy: "read: {allow: [/usr], deny: [/lib]}",
    machine: { realpath: (path): string => path },
    tree: ["/usr ro", "/lib: it is a link, and where it leads is not known"],
  },
  {
    name: "closes processes elsewhere, and lets no control group be written",
    policy: "{read: [/srv], write: [/srv]}",
    machine: { procs: ["/srv/proc"], groups: ["/srv/group"] },
    tree: [
      ...["/srv rw noexec", "/srv/group ro", "/srv/proc closed"],
    ],
  },
  {
    name:
      "closes what no directory lists where a wildcard may mean what is in it",
    policy: 'read: {allow: [/home], deny: ["/**/.ssh/**"]}',
    machine: {
      mounted: ["/", "/home", "/home/me"],
      unlisted: (top) => new Map([[`${top}/.zfs`, false]]),
      kind: (path) =>
        path.endsWith("/.zfs") ? "directory" : FILES[path] ?? "missing",
    },
    tree: [
      ...["/home ro", "/home/.zfs closed", "/home/me/.zfs closed"],
      "/home/me/p/a/.ssh closed",
    ],
  },
  {
    name:
      "does not hold a wildcard where what no directory lists is everywhere",
    policy: 'read: {allow: [/home], deny: ["/home/**/.ssh/**", "/usr/*/x"]}',
    machine: {
      mounted: ["/home", "/usr"],
      unlisted: (top) => new Map([[`${top}/.snap`, true]]),
    },
    tree: [
      ...["/home ro", "/home/me/p/a/.ssh closed"],
      "/home/**/.ssh/**: /home/.snap is there, and in it what nobody lists",
    ],
  },
  {
    name: "closes a device in a directory that may be written",
    policy: "{read: [/home], write: [/home/me]}",
    machine: {
      devices: (path) => [`${path}/p/a/disk`],
      kind: (path) =>
        path.endsWith("/disk") ? "device" : FILES[path] ?? "missing",
    },
    tree: [
      ...["/home ro", "/home/me rw noexec", "/home/me/p rw noexec"],
      ...["/home/me/p/a rw noexec", "/home/me/p/a/disk closed"],
    ],
  },
  {
    name: "hides in /proc what the machine hides there",
    policy: "read: {allow: [/proc], deny: [/proc/sys/vm]}",
    machine: {
      overProc: [
        ...["/proc/1", "/proc/sys/vm", "/proc/kcore", "/proc/gone"],
        ...["/proc/sys/kernel/x", "/proc/sys/kernel"],
      ],
    },
    tree: [
      ...["/proc new", "/proc/kcore ro noexec"],
      ...["/proc/sys/kernel ro noexec", "/proc/sys/vm closed"],
    ],
  },
  {
    name: "does not hold a line that may only be read",
    policy: "read: [/dev/ttyS0]",
    tree: [
      ...["/dev/", "/dev/ttyS0 ro"],
      "/dev/ttyS0: /dev/ttyS0 is a terminal or a disk, and could be taken by who reads it",
    ],
  },
  {
    name: "does not hold a wildcard that means a file of each process",
    policy: 'read: {allow: [/proc], deny: ["/**/cpuinfo", "/**/environ"]}',
    tree: [
      ...["/proc new", "/proc/cpuinfo closed"],
      "/**/environ: each process has another one",
    ],
  },
  {
    name: "does not hold a wildcard that means each process by its number",
    policy: 'read: {allow: [/proc], deny: ["/proc/[0-9]*/environ"]}',
    tree: ["/proc new", "/proc/[0-9]*/environ: each process has another one"],
  },
  {
    name: "has no device that a wildcard means and no rule names",
    policy: 'read: ["/dev/*", "/**/kmsg", "/dev/shm"]',
    tree: [
      ...["/dev/", "/dev/null ro", "/dev/pts new"],
      ...["/dev/ptmx -> pts/ptmx", "/dev/shm ro", "/dev/snd/"],
    ],
  },
  {
    name: "has no device that a rule names which refuses to write it",
    policy: "{read: [/dev], write: {deny: [/dev/kmsg]}}",
    tree: [
      ...["/dev/", "/dev/null ro", "/dev/pts new"],
      ...["/dev/ptmx -> pts/ptmx", "/dev/shm ro"],
    ],
  },
  {
    name: "does not hold what lets a device be written that it does not name",
    policy: "{read: [/dev/kmsg], write: [/dev]}",
    tree: [
      ...["/dev/", "/dev/kmsg ro"],
      "/dev: it may not be read, and what is there can be",
      "/dev: /dev/kmsg is a device, and would be written",
    ],
  },
  {
    name: "has no processes where all of /proc is refused, whatever it allows",
    policy:
      "read: {allow: [/proc/self, /proc/cpuinfo, /proc/sys/vm], deny: [/proc]}",
    tree: [],
  },
  {
    name: "has of /proc what is allowed and lies in nothing that is refused",
    policy: "read: {allow: [/proc/cpuinfo, /proc/sys/vm], deny: [/proc/sys]}",
    tree: ["/proc new", "/proc/kcore closed", "/proc/sys closed"],
  },
  {
    name: "has files of /proc that braces allow",
    policy: 'read: ["/proc/{cpuinfo,nothing}", "/proc/self/{maps,status}"]',
    tree: ["/proc new", "/proc/kcore closed", "/proc/sys closed"],
  },
  {
    name: "does not hold a wildcard by which new files may be written",
    policy: '{read: [/srv], write: ["/srv/*.txt"]}',
    tree: [
      "/srv ro",
      "/srv/*.txt: it is a wildcard, and only what is there is written",
    ],
  },
  {
    name: "holds a wildcard that allows no more than another rule",
    policy:
      '{read: [/srv], write: [/srv, "/srv/*.txt"], run: [/srv, "/srv/*"]}',
    tree: ["/srv rw"],
  },
  {
    name: "has nothing executed that a rule refuses, where none lets it be run",
    policy: "{read: [/usr, /srv], run: {allow: [/usr], deny: [/srv/group]}}",
    tree: ["/srv ro", "/srv/group ro noexec", "/usr ro"],
  },
  {
    name: "has nothing executed that the program is handed to be written",
    policy: "{read: [/usr, /etc, /srv], write: [/srv], run: [/usr/bin]}",
    machine: {
      written: ["/etc/passwd", "/usr/bin/gs", "/home/me/p", "/srv/group"],
    },
    tree: [
      ...["/etc ro", "/etc/passwd ro noexec", "/srv rw noexec", "/usr ro"],
    ],
  },
  {
    name: "has nothing executed by another name of where it is written",
    policy: "{read: [/usr, /srv, /home], write: [/home/me/p], run: [/usr]}",
    machine: { alsoAt: () => ["/srv/group", "/etc", "/usr/lib"] },
    tree: [
      ...["/home ro", "/home/me/p rw noexec"],
      ...["/srv ro", "/srv/group ro noexec", "/usr ro"],
    ],
  },
  {
    name:
      "has nothing executed by another name of a part of where it is written",
    policy:
      "{read: [/usr, /srv/group, /home], write: [/home/me/p], run: [/usr]}",
    machine: { alsoAt: () => ["/srv"] },
    tree: [
      ...["/home ro", "/home/me/p rw noexec"],
      ...["/srv/", "/srv/group ro noexec", "/usr ro"],
    ],
  },
  {
    name:
      "has nothing executed by another name of it that lies where it is written",
    policy:
      "{read: [/usr, /srv], write: {allow: [/srv], deny: [/srv/group]}, run: [/usr]}",
    machine: {
      alsoAt: (path): string[] => path === "/srv/group" ? ["/srv/bin"] : [],
    },
    tree: ["/srv rw noexec", "/srv/group ro noexec", "/usr ro"],
  },
  {
    name: "has nothing executed by another name of what a rule refuses to run",
    policy: "{read: [/usr, /srv], run: {allow: [/usr], deny: [/usr/bin/gs]}}",
    machine: { alsoAt: () => ["/srv/group"] },
    tree: [
      ...["/srv ro", "/srv/group ro noexec"],
      ...["/usr ro", "/usr/bin/gs ro noexec"],
    ],
  },
  {
    name: "lets be run by another name what may be run where it is written",
    policy: "{read: [/srv, /home], write: [/home], run: [/home]}",
    machine: { alsoAt: () => ["/srv/group"] },
    tree: ["/home rw", "/srv ro"],
  },
  {
    name: "lets be run what is in a directory that a wildcard means by itself",
    policy: '{read: [/usr], run: {allow: [/usr], deny: ["/usr/*"]}}',
    tree: ["/usr ro"],
  },
  {
    name: "does not hold a wildcard by which the program runs what it makes",
    policy: '{read: [/srv], write: [/srv], run: ["/srv/*.sh"]}',
    tree: ["/srv rw noexec", "/srv/*.sh: the program could make what it means"],
  },
  {
    name:
      "does not hold a wildcard that means a file in a directory of each process",
    policy: 'read: {allow: [/proc], deny: ["/proc/*/fdinfo/*", "/**/0"]}',
    machine: {
      names: (path): string[] =>
        path === "/proc/self"
          ? ["fdinfo"]
          : path === "/proc/self/fdinfo"
          ? ["0", "1"]
          : [],
    },
    tree: [
      "/proc new",
      "/**/0: each process has another one",
      "/proc/*/fdinfo/*: each process has another one",
    ],
  },
  {
    name: "does not hold the machine's network back where that is used",
    policy: "{read: [/proc/self/maps, /proc/cpuinfo, /proc/sys], net: true}",
    machine: { alone: false },
    tree: [
      ...["/proc new", "/proc/kcore closed"],
      "/proc/self/net: it tells of the machine's network, and no rule lets it be read",
    ],
  },
  {
    name: "shows the machine's network where a rule says so",
    policy: "{read: [/proc/self, /proc/cpuinfo, /proc/sys], net: true}",
    machine: { alone: false },
    tree: ["/proc new", "/proc/kcore closed"],
  },
  {
    name: "does not hold a pipe where nothing may be written",
    policy:
      "{read: [/home/me/p], write: {allow: [/home/me/p], deny: [/home/me/p/a]}}",
    tree: [
      ...["/home/", "/home/me/", "/home/me/p rw noexec", "/home/me/p/a ro"],
      "/home/me/p/a: /home/me/p/a/pipe is a pipe, or may hide one, and would be written",
    ],
  },
  {
    name: "keeps what is refused to be run from a loader, too",
    policy: "{read: [/usr], run: {allow: [/usr], deny: [/usr/bin/gs]}}",
    tree: ["/usr ro", "/usr/bin/gs ro noexec"],
  },
  {
    name: "has devices and terminals of its own",
    policy:
      "{read: [/dev/null, /dev/pts, /dev/ptmx], write: [/dev/null, /dev/pts, /dev/ptmx]}",
    tree: [
      "/dev/",
      "/dev/null rw noexec",
      "/dev/pts new",
      "/dev/ptmx -> pts/ptmx",
    ],
  },
  {
    name: "does not hold that what starts programs is written and never run",
    policy: "{read: [/usr], write: true, run: [/usr/bin/gs]}",
    tree: [
      ...["/usr rw noexec", "/usr/bin rw noexec", "/usr/bin/gs rw"],
      "/lib -> usr/lib",
      "true: programs start by /usr/lib/ld.so, which may not be run",
      "but what may not be read is not written either",
    ],
  },
  {
    name: "does not hold a directory of devices",
    policy: "read: [/dev/snd]",
    tree: ["/dev/", "/dev/snd: it has devices in it"],
  },
  {
    name: "has shared memory where it is allowed",
    policy: "{read: [/dev/shm], write: [/dev/shm]}",
    tree: ["/dev/", "/dev/shm rw noexec"],
  },
  {
    name: "has processes of its own, and of /proc else what is allowed",
    policy: "read: [/proc/self, /proc/cpuinfo, /proc/sys/vm]",
    tree: ["/proc new", "/proc/kcore closed", "/proc/sys/kernel closed"],
  },
  {
    name: "closes what is refused of /proc",
    policy: 'read: {allow: [/proc], deny: [/proc/sys/vm, "/proc/k*"]}',
    tree: ["/proc new", "/proc/kcore closed", "/proc/sys/vm closed"],
  },
  {
    name:
      "has a network of its own where nothing of the machine's is to be seen",
    policy:
      'read: {allow: [/proc/self], deny: [/proc/self/net, "/proc/self/task/*/net/**"]}',
    tree: ["/proc new", "/proc/cpuinfo closed", "/proc/kcore closed"].concat([
      ...["/proc/sys/kernel closed", "/proc/sys/vm closed"],
    ]).filter((line) => !line.includes("sys/")).concat("/proc/sys closed"),
  },
  {
    name: "does not hold a rule about one file of each process",
    policy: "read: {allow: [/proc/self], deny: [/proc/self/environ]}",
    tree: [
      ...["/proc new", "/proc/cpuinfo closed", "/proc/kcore closed"],
      ...[
        "/proc/sys closed",
        "/proc/self/environ: each process has another one",
      ],
    ],
  },
  {
    name: "does not let /proc be written",
    policy: "{read: [/proc/self], write: [/proc/self]}",
    tree: [
      ...["/proc new", "/proc/cpuinfo closed", "/proc/kcore closed"],
      ...["/proc/sys closed", "/proc/self: nothing changes in /proc"],
    ],
  },
  {
    name:
      "is the machine where all may be read, with a root and devices of its own",
    policy: "read: true",
    tree: [
      ...MACHINE,
      ...["/dev/", "/dev/null ro", "/dev/pts new"],
      ...["/dev/ptmx -> pts/ptmx", "/dev/shm ro", ...LINKS, "/proc new"],
    ],
  },
  {
    name: "puts nothing of the machine's /dev over what rules say of it",
    policy: "{read: true, write: {allow: [/dev/shm], deny: [/dev/shm/kept]}}",
    tree: [
      ...MACHINE,
      ...["/dev/", "/dev/null ro", "/dev/pts new"],
      ...["/dev/ptmx -> pts/ptmx", "/dev/shm rw noexec", "/dev/shm/kept ro"],
      ...[...LINKS, "/proc new"],
    ],
  },
  {
    name: "has nothing in /dev that is refused",
    policy: "read: {allow: [/], deny: [/dev/null, /dev/pts, /dev/shm]}",
    tree: [...MACHINE, "/dev/", ...LINKS, "/proc new"],
  },
  {
    name:
      "has a device that lies in a directory of /dev, and no terminal of others",
    policy: 'read: [/dev/snd/timer, "/dev/pts/*"]',
    machine: {
      kind: (path) =>
        /^\/dev\/(?:snd|pts)\/./.test(path) ? "device" : FACTS.kind(path),
      walk: (from, enters) => {
        if (from === "/dev/pts") enters(from, "3");
      },
    },
    tree: ["/dev/", "/dev/snd/", "/dev/snd/timer ro"],
  },
  {
    name: "has no /dev of the machine where that is refused",
    policy: "read: {allow: [/], deny: [/dev]}",
    tree: [...MACHINE, ...LINKS, "/proc new"],
  },
  {
    name:
      "does not hold what is refused where names may mean the same in capital letters",
    policy: "read: {allow: [/home/me], deny: [/home/me/p/a]}",
    machine: { folding: ["/home/me"] },
    tree: [
      ...["/home/", "/home/me ro", "/home/me/p/a closed"],
      "/home/me/p/a: names in /home/me may mean the same in capital letters",
    ],
  },
  {
    name: "has nothing in /dev that a wildcard refuses",
    policy: 'read: {allow: [/], deny: ["/**/nul?", "/**/kept/**"]}',
    tree: [
      ...[...MACHINE, "/dev/", "/dev/pts new", "/dev/ptmx -> pts/ptmx"],
      ...["/dev/shm ro", "/dev/shm/kept closed", ...LINKS, "/proc new"],
    ],
  },
  {
    name:
      "lets no setting of the kernel be written but those that a rule names",
    policy: "{read: [/sys], write: [/, /sys/fs/fuse], run: [/]}",
    machine: SET,
    tree: [
      ...["/sys ro", "/sys/fs/fuse rw", ...LINKS],
      "but what may not be read is not written either",
      "but what may not be read is not run either",
    ],
  },
];

for (const { name, policy, tree, machine } of CASES) {
  Deno.test(`treeOf() ${name}`, async () => {
    assertEquals(await made(policy, { ...FACTS, ...machine }), tree);
  });
}

Deno.test("treeOf() lets be run what a wildcard means where another lets all be read", async () => {
  const text = '{read: ["/usr/**/*"], run: ["/usr/**/gs"]}';
  const layer = await parsePolicy(text, { source: "p.yaml", variables: {} });
  const { floor, unheld } = treeOf(mergeLayers([layer]), FACTS);
  assertEquals(unheld, []);
  assertEquals(floor.rules.some(({ path }) => path === "/usr/bin/gs"), true);
});
