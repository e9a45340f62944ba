/** What a program can see under a policy that allows little. */

import { assertEquals, assertMatch } from "@std/assert";
import { ENGINES, fixture, jail } from "./harness.ts";
import { scratch } from "./jail.ts";

interface Seen {
  readonly what: string;
  /** A call of the fixture, and a path beneath the directory of the test. */
  readonly call: string;
  readonly result: string;
}

// The policy allows one directory and one file beside it; what is around them
// is neither allowed nor denied.
const POLICY = `extends: minimal
read:
  allow: ["@/open", "@/deep/way/file", "FIXTURE"]
  deny: ["@/open/denied"]
  ignore: ["@/open/ignored"]
run: ["FIXTURE"]
`;

/** The result of a look at what no rule shows, as the policy says. */
const UNSEEN = "unseen";

const SEEN: readonly Seen[] = [
  { what: "a file that may be read", call: "stat=@/open/file", result: "OK" },
  { what: "a directory that may be listed", call: "stat=@/open", result: "OK" },
  {
    what: "that a name is free there",
    call: "stat=@/open/none",
    result: "ENOENT",
  },
  { what: "the way to it", call: "stat=@/deep", result: "OK" },
  { what: "the whole way to it", call: "chdir=@/deep/way", result: "OK" },
  { what: "the root directory", call: "stat=/", result: "OK" },
  {
    what: "what is on the way to it, but not its list",
    call: "open_directory=@/deep/way",
    result: "EACCES",
  },
  {
    what: "no file beside the way",
    call: "stat=@/deep/other",
    result: UNSEEN,
  },
  {
    what: "not whether a name beside the way is free",
    call: "stat=@/deep/none",
    result: UNSEEN,
  },
  ...["other", "none"].flatMap((name) => [
    {
      what: `not whether a name is free to who would make a file: ${name}`,
      call: `open_create=@/deep/${name}`,
      result: UNSEEN,
    },
    {
      what: `that nothing may be written beside the way: ${name}`,
      call: `open_both=@/deep/${name}`,
      result: "EACCES",
    },
  ]),
  { what: "no closed file", call: "lstat=@/closed/file", result: UNSEEN },
  {
    what: "not whether a closed name is free",
    call: "access=@/closed/none",
    result: UNSEEN,
  },
  {
    what: "no closed link",
    call: "readlink=@/closed/link",
    result: UNSEEN,
  },
  { what: "no denied file", call: "stat=@/open/denied", result: "EACCES" },
  {
    what: "not whether a denied name is free",
    call: "statx=@/open/denied/none",
    result: "EACCES",
  },
  { what: "no ignored file", call: "stat=@/open/ignored", result: "ENOENT" },
  {
    what: "nothing beneath an ignored directory",
    call: "access=@/open/ignored/file",
    result: "ENOENT",
  },
  {
    what: "a link to what is closed, but not where it leads",
    call: "stat=@/open/link",
    result: UNSEEN,
  },
  {
    what: "a link to what is closed",
    call: "lstat=@/open/link",
    result: "OK",
  },
  {
    what: "no working directory that is closed",
    call: "chdir=@/closed",
    result: UNSEEN,
  },
  {
    what: "what is beside a directory, by a way through it",
    call: "stat=@/open/../deep/way/../way/file",
    result: "OK",
  },
  ...["closed", "none"].flatMap((name) =>
    [
      `stat=@/${name}/../open/file`,
      `open_read=@/${name}/../open/file`,
      `lstat=@/open/../${name}/./../open/none`,
      `access=@/${name}/none/../../open/file`,
      `chdir=@/${name}/../open`,
      `openat2_straight=@/${name}/../open/file`,
      `openat2_in_root=@/${name}/../open/file`,
      `openat2_in_root=/../@/${name}/../open/file`,
    ].map((call) => ({
      what: `not whether a closed name is free, by a way through it: ${call}`,
      call,
      result: UNSEEN,
    }))
  ),
  {
    what: "not whether a closed name is that of a file",
    call: "stat=@/closed/file/../../open/file",
    result: UNSEEN,
  },
  {
    what: "not whether a closed name is free, by a link through it",
    call: "stat=@/open/through/../open/file",
    result: UNSEEN,
  },
  {
    what: "not whether a name is that of a link, or free",
    call: "openat2_straight=@/none",
    result: UNSEEN,
  },
  {
    what: "not whether a denied name is free, by a way through it",
    call: "stat=@/open/denied/../file",
    result: "EACCES",
  },
  {
    what: "no process outside, by a way through what it has in /proc",
    call: "stat=/proc/1/../..@/open",
    result: "EACCES",
  },
  {
    what: "not what a link leads to that leads through what is closed",
    call: "stat=@/open/around",
    result: UNSEEN,
  },
  {
    what: "what a link leads to that leads out of its own directory",
    call: "stat=@/open/aside",
    result: "OK",
  },
  {
    what: "nothing by a way through an ignored directory",
    call: "stat=@/open/ignored/../file",
    result: "ENOENT",
  },
  {
    what: "no file system by a closed file",
    call: "statfs=@/closed",
    result: UNSEEN,
  },
  {
    what: "no watch on a closed file",
    call: "inotify=@/closed",
    result: UNSEEN,
  },
];

/** Whether this machine has such a device. */
function isDevice(name: string): boolean {
  try {
    const { isCharDevice, isBlockDevice } = Deno.lstatSync(`/dev/${name}`);
    return isCharDevice === true || isBlockDevice === true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function prepare(root: string): Promise<void> {
  for (const path of ["open/ignored", "open/denied", "deep/way", "closed"]) {
    await Deno.mkdir(`${root}/${path}`, { recursive: true });
  }
  for (
    const path of [
      "open/file",
      "open/ignored/file",
      "deep/way/file",
      "deep/other",
      "closed/file",
    ]
  ) {
    await Deno.writeTextFile(`${root}/${path}`, "text");
  }
  await Deno.symlink("../closed/file", `${root}/open/link`);
  await Deno.symlink("file", `${root}/closed/link`);
  await Deno.symlink("../closed", `${root}/open/through`);
  await Deno.symlink("../closed/../open/file", `${root}/open/around`);
  await Deno.symlink("../deep/way/file", `${root}/open/aside`);
}

for (const engine of ENGINES) {
  for (
    const [beside, unseen] of [
      ["alone", "EACCES"],
      ["threads", "EACCES"],
      ["threads", "ENOENT"],
    ] as const
  ) {
    Deno.test(`jail (${engine}) shows what a policy allows to be seen (${beside}, else ${unseen})`, async () => {
      await using directory = await scratch();
      const root = directory.path;
      await prepare(root);
      const program = fixture("try_call");
      const put = (text: string): string =>
        text.replaceAll("@", root).replaceAll("FIXTURE", program);
      const ended = await jail(
        put(`${POLICY}unseen: ${unseen}\n`),
        [program, beside, ...SEEN.map(({ call }) => put(call))],
        { engine, cwd: "/" },
      );
      const results = ended.stdout.trimEnd().split("\n")
        .map((line) => line.replace(/^.*: /, ""));
      const table = (of: (seen: Seen, at: number) => unknown): string =>
        SEEN.map((seen, at) => `${seen.what}: ${of(seen, at)}\n`).join("");
      assertEquals(
        table((_, at) => results[at]),
        table(({ result }) => result === UNSEEN ? unseen : result),
        ended.stderr,
      );
    });
  }

  Deno.test(`jail (${engine}) tells of no hidden file by a name beneath it`, async () => {
    await using directory = await scratch();
    const root = directory.path;
    const program = fixture("try_call");
    await directory.file("hidden", "");
    await directory.file("denied", "");
    const policy = `extends: minimal
read:
  allow: ["${program}", "${root}"]
  ignore: ["${root}/**/hid*"]
  deny: ["${root}/**/den*"]
run: ["${program}"]
`;
    const names = ["hidden/x", "hides/x", "hidden/x/y", "denied/x", "denies/x"];
    const calls = names.flatMap((name) =>
      ["stat", "open_read", "openat2"].map((call) => `${call}=${root}/${name}`)
    );
    const argv = [program, "alone", ...calls];
    const { stdout } = await jail(policy, argv, { engine });
    const results = stdout.trimEnd().split("\n").map((line) =>
      line.split(": ")[1]
    );
    const of = (errno: string, count: number): string[] =>
      Array.from({ length: count }, () => errno);
    assertEquals(results, [...of("ENOENT", 9), ...of("EACCES", 6)]);
  });

  Deno.test(`jail (${engine}) hides a directory from who would write it as if it were not there`, async () => {
    await using directory = await scratch();
    const root = directory.path;
    const program = fixture("try_call");
    await Deno.mkdir(`${root}/open/hidden`, { recursive: true });
    const policy = `extends: minimal
read: {allow: ["${program}", "${root}/open"], ignore: ["${root}/**/hid*"]}
run: ["${program}"]
`;
    const calls = ["hidden", "hides"].flatMap((name) =>
      ["open_write", "creat", "open_append", "open_unnamed"]
        .map((call) => `${call}=${root}/open/${name}`)
    );
    const argv = [program, "alone", ...calls];
    const { stdout } = await jail(policy, argv, { engine });
    const seen = stdout.trimEnd().split("\n");
    assertEquals(seen.slice(0, 2), ["open_write: ENOENT", "creat: ENOENT"]);
    assertEquals(seen.slice(0, 4), seen.slice(4));
  });

  Deno.test(`jail (${engine}) tells of nothing hidden by a file without a name that would be made in it`, async () => {
    await using directory = await scratch();
    const root = directory.path;
    const program = fixture("try_call");
    await Deno.mkdir(`${root}/hidden`);
    await directory.file("hid", "");
    const policy = `extends: minimal
read: {allow: ["${program}"], ignore: ["${root}/**/hid*"]}
write: ["${root}"]
run: ["${program}"]
`;
    const calls = ["hidden", "hid", "hides"].map((name) =>
      `open_unnamed=${root}/${name}`
    );
    const argv = [program, "alone", ...calls];
    const { stdout } = await jail(policy, argv, { engine });
    assertEquals(stdout, "open_unnamed: ENOENT\n".repeat(3));
  });

  Deno.test(`jail (${engine}) tells of no hidden link that leads around in circles, or may not be followed`, async () => {
    await using directory = await scratch();
    const root = directory.path;
    const program = fixture("try_call");
    const worlds = ["circle", "pair", "hanging", "directory", "nothing"];
    for (const world of worlds) {
      await Deno.mkdir(`${root}/${world}/in`, { recursive: true });
      // A link that leads around in circles where a directory is hidden.
      await Deno.symlink("in/hidden/../../way", `${root}/${world}/way`);
    }
    await Deno.symlink("hidden", `${root}/circle/in/hidden`);
    await Deno.symlink("other", `${root}/pair/in/hidden`);
    await Deno.symlink("hidden", `${root}/pair/in/other`);
    await Deno.symlink("other", `${root}/hanging/in/hidden`);
    await Deno.mkdir(`${root}/directory/in/hidden`);
    const policy = `extends: minimal
default: EPERM
read: {allow: ["${program}", "${root}"], deny: ["${root}/*/in/**"]}
run: ["${program}"]
`;
    const names = ["", "/", "/x", "/../x", "/../hidden"];
    const before = names.map((name) => `in/../in/hidden${name}`);
    const behind = names.map((name) => `in/hidden${name}`);
    const ways = [...behind, ...before, "way", "way/x"];
    const calls = ways.flatMap((way) =>
      ["stat", "open_read", "open_write", "openat2", "openat2_straight"]
        .map((call) => ({ call, way }))
    );
    const seen = await Promise.all(worlds.map(async (world) => {
      const words = calls.map(({ call, way }) =>
        `${call}=${root}/${world}/${way}`
      );
      return (await jail(policy, [program, "alone", ...words], { engine }))
        .stdout;
    }));
    const nothing = seen.at(-1);
    worlds.forEach((world, at) =>
      assertEquals([world, seen[at]], [world, nothing])
    );
  });

  Deno.test(`jail (${engine}) tells of no hidden link that would be one too many`, async () => {
    await using directory = await scratch();
    const root = directory.path;
    const program = fixture("try_call");
    const worlds = ["link", "directory", "nothing"];
    for (const world of worlds) {
      await Deno.mkdir(`${root}/${world}/in`, { recursive: true });
      await Deno.symlink(".", `${root}/${world}/same`);
      await Deno.symlink("in", `${root}/${world}/way`);
    }
    await Deno.symlink("other", `${root}/link/in/hidden`);
    await Deno.mkdir(`${root}/directory/in/hidden`);
    const policy = `extends: minimal
default: EPERM
read: {allow: ["${program}", "${root}"], deny: ["${root}/*/in/**"]}
run: ["${program}"]
`;
    const names = ["", "/x", "/../hidden"];
    const calls = [37, 38, 39].flatMap((links) =>
      ["stat", "open_read", "open_write"].flatMap((call) =>
        names.map((name) => ({
          call,
          way: `${"same/".repeat(links)}way/hidden${name}`,
        }))
      )
    );
    const [link, inside, nothing] = await Promise.all(
      worlds.map(async (world) => {
        const words = calls.map(({ call, way }) =>
          `${call}=${root}/${world}/${way}`
        );
        return (await jail(policy, [program, "alone", ...words], { engine }))
          .stdout;
      }),
    );
    assertEquals(link, nothing);
    assertEquals(inside, nothing);
  });

  Deno.test(`jail (${engine}) tells of no hidden directory by a name that leads out of it again`, async () => {
    await using directory = await scratch();
    const root = directory.path;
    const program = fixture("try_call");
    await Deno.mkdir(`${root}/directory`);
    await directory.file("file", "");
    const names = ["directory", "file", "none"];
    const calls = ["stat", "open_read", "open_write", "chmod", "mkdir"];
    const ways = ["x/..", "x/../y", "x/y/../z", "x/y/../../../none/z"];
    const policy = `extends: minimal
default: EACCES
unseen: ENOENT
read: ["${program}"]
run: ["${program}"]
`;
    const seen = await Promise.all(names.map(async (name) => {
      const words = ways.flatMap((way) =>
        calls.map((call) => `${call}=${root}/${name}/${way}`)
      );
      return (await jail(policy, [program, "alone", ...words], { engine }))
        .stdout;
    }));
    assertEquals(seen[0]?.match(/: E/g)?.length, ways.length * calls.length);
    assertEquals(seen, names.map(() => seen[0]));
  });

  Deno.test(`jail (${engine}) tells of no hidden directory by a link behind it that leads back`, async () => {
    await using directory = await scratch();
    const root = directory.path;
    const program = fixture("try_call");
    for (const name of ["directory", "open"]) {
      await Deno.mkdir(`${root}/${name}`);
    }
    await directory.file("file", "");
    const names = ["directory", "file", "none"];
    for (const name of names) {
      await Deno.symlink(`../${name}`, `${root}/open/${name}`);
    }
    const calls = [
      "stat",
      "open_read",
      "open_write",
      "chmod",
      "mkdir",
      "creat",
    ];
    const policy = `extends: minimal
unseen: ENOENT
read: ["${program}"]
write: ["${root}/open"]
run: ["${program}"]
`;
    const seen = await Promise.all(names.map(async (name) => {
      const words = ["", "/x"].flatMap((end) =>
        calls.map((call) => `${call}=${root}/${name}/../open/${name}${end}`)
      );
      return (await jail(policy, [program, "alone", ...words], { engine }))
        .stdout;
    }));
    assertEquals(seen[0]?.match(/: E/g)?.length, 2 * calls.length);
    assertEquals(seen, names.map(() => seen[0]));
  });

  Deno.test(`jail (${engine}) tells of no hidden directory by how it refuses a name beneath it`, async () => {
    await using directory = await scratch();
    const root = directory.path;
    const program = fixture("try_call");
    await Deno.mkdir(`${root}/directory`);
    await directory.file("file", "");
    const names = ["directory", "file", "none"];
    const calls = ["stat", "open_read", "open_write", "chmod", "mkdir"];
    for (const effect of ["ignore", "deny"]) {
      const policy = `extends: minimal
default: EPERM
read: {allow: ["${program}"], ${effect}: ["${root}/*"]}
run: ["${program}"]
`;
      const seen = await Promise.all(names.map(async (name) => {
        const words = calls.map((call) => `${call}=${root}/${name}/x`);
        return (await jail(policy, [program, "alone", ...words], { engine }))
          .stdout;
      }));
      assertEquals(seen[0]?.match(/: E/g)?.length, calls.length);
      assertEquals(seen, names.map(() => seen[0]), effect);
    }
  });

  Deno.test(`jail (${engine}) tells of no denied name by an exec`, async () => {
    await using directory = await scratch();
    const root = directory.path;
    await prepare(root);
    const names = ["", "/file", "/link", "/none", "/none/x", "/file/x"];
    await Deno.symlink("none", `${root}/open/denied/link`);
    await Deno.writeTextFile(`${root}/open/denied/file`, "text");
    for (const way of [[], ["/lib64/ld-linux-x86-64.so.2"]]) {
      const seen = await Promise.all(names.map(async (name) => {
        const { code, stdout, stderr } = await jail(
          `extends: readonly\nread: {deny: ["${root}/open/denied"]}\n`,
          [
            "sh",
            "-c",
            'exec "$@" 2>&1',
            "",
            ...way,
            `${root}/open/denied${name}`,
          ],
          { engine },
        );
        const what = (stdout + stderr).replaceAll(`denied${name}`, "denied");
        return `${code} ${what}`;
      }));
      assertEquals(new Set(seen).size, 1, seen.join(""));
    }
  });

  Deno.test(`jail (${engine}) tells of no denied name by a quotactl that a policy allows`, async () => {
    await using directory = await scratch();
    const root = directory.path;
    await prepare(root);
    const call = fixture("make_call");
    const policy = `extends: minimal
read: {allow: [/bin, /usr, "${root}/open"], deny: ["${root}/open/denied"]}
run: ["${call}", /bin, /usr]
calls: {allow: [quotactl]}
`;
    await Deno.writeTextFile(`${root}/open/denied/file`, "text");
    // Q_GETFMT; a file is no disk.
    const script = ["file", "denied/file", "denied/none", "denied/file/x"]
      .map((name) => `"$0" 179 0x80000400 '${root}/open/${name}' 0 zeros`);
    const argv = ["sh", "-c", script.join("\n"), call];
    const { stdout } = await jail(policy, argv, { engine });
    // A kernel may have no quotas at all.
    assertMatch(stdout, /^(?:ENOTBLK|ENOSYS)\n(?:EACCES\n){3}$/);
  });

  Deno.test(`jail (${engine}) shows its own processes in /proc and no other`, async () => {
    const pid = Deno.pid;
    const paths = [
      "/proc/self/status",
      "/proc/thread-self/status",
      `/proc/${pid}/status`,
      `/proc/${pid}/mem`,
      "/proc/1/status",
    ];
    const ended = await jail(
      ["-A"],
      [
        fixture("try_call"),
        "threads",
        ...paths.map((path) => `open_read=${path}`),
        "open_write=/proc/self/mem",
        "open_both=/proc/thread-self/mem",
        "open_read=/proc/self/mem",
        `stat=/proc/${pid}`,
        `readlink=/proc/${pid}/exe`,
      ],
      { engine },
    );
    assertEquals(
      ended.stdout.split("\n").map((line) => line.replace(/^.*: /, "")),
      "OK OK EACCES EACCES EACCES EACCES EACCES OK EACCES EACCES ".split(" "),
    );
  });

  Deno.test(`jail (${engine}) closes devices but the harmless ones`, async () => {
    const open = ["null", "zero", "full", "random", "urandom", "ptmx"]
      .filter(isDevice);
    const closed = ["mem", "kmsg", "vda", "console", "tty0", "loop-control"]
      .filter(isDevice);
    const ended = await jail(
      ["-A"],
      [
        fixture("try_call"),
        "alone",
        ...[...open, ...closed].map((name) => `open_read=/dev/${name}`),
      ],
      { engine },
    );
    assertEquals(
      ended.stdout,
      "open_read: OK\n".repeat(open.length) +
        "open_read: EACCES\n".repeat(closed.length),
    );
  });
}
