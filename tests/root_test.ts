/** `--root`: a program sees a directory as `/`, and nothing outside of it. */

import {
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { Jail } from "../src/mod.ts";
import { type Ended, ENGINES, fixture, run } from "./harness.ts";
import { jailCommand, scratch } from "./jail.ts";
import { hasMounts } from "./needs.ts";
import { withoutArgv } from "./without.ts";

const PROGRAMS =
  "bash cat chmod env id ln ls mkdir mv readlink rm sh stat touch";

/** How a directory is made the root: as whoever runs this may, and by chroot alone. */
const WAYS: readonly (readonly [name: string, words: readonly string[]])[] = [
  ["as it can", []],
  // Without privilege there is no chroot.
  ...Deno.uid() !== 0 || Deno.env.has("JAIL_BINARY") ? [] : [
    ["by chroot", [
      ...["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"],
    ]] as const,
  ],
];

/** A directory with a few programs, and what they need to run. */
async function fill(root: string): Promise<void> {
  const names = "bin dev etc proc secret sys tmp var".split(" ");
  for (const name of names) await Deno.mkdir(`${root}/${name}`);
  for (const name of ["tmp", "var"]) {
    await Deno.chmod(`${root}/${name}`, 0o777);
  }
  const files = new Set<string>();
  for (const name of PROGRAMS.split(" ")) {
    const { stdout } = await run(["sh", "-c", `command -v ${name}`]);
    await Deno.copyFile(stdout.trim(), `${root}/bin/${name}`);
    const needed = (await run(["ldd", stdout.trim()])).stdout;
    for (const [file] of needed.matchAll(/\/[^\s)]+/g)) files.add(file);
  }
  for (const file of files) {
    const directory = file.slice(0, file.lastIndexOf("/"));
    await Deno.mkdir(`${root}${directory}`, { recursive: true });
    await Deno.copyFile(file, `${root}${file}`);
  }
  await Deno.writeTextFile(`${root}/var/note`, "inside\n");
  await Deno.chmod(`${root}/var/note`, 0o666);
  await Deno.writeTextFile(`${root}/secret/key`, "secret\n");
  await Deno.writeTextFile(`${root}/etc/hostname`, "box\n");
  await Deno.symlink("/var/note", `${root}/etc/absolute`);
  await Deno.symlink("../../../../../etc/hostname", `${root}/etc/up`);
  await Deno.symlink("/var", `${root}/etc/var`);
}

/** Finds what of /proc is of no process, and may be written. */
const OF_THE_MACHINE = "find /proc -maxdepth 2 -type f -perm /222 " +
  "-not -path '/proc/[0-9]*' -not -path '/proc/*self/*'";

let made: string | undefined;

/** A directory to be the root, which one test after another uses. */
async function rootDirectory(): Promise<string> {
  if (made !== undefined) return made;
  const root = await Deno.makeTempDir({ prefix: "jail-root-" });
  made = root;
  await Deno.chmod(root, 0o755);
  globalThis.addEventListener(
    "unload",
    () => Deno.removeSync(root, { recursive: true }),
  );
  await fill(root);
  return root;
}

const WORK = [
  ...["-p", "minimal", "--allow-read=/var,/etc,/bin"],
  ...["--allow-write=/var", "--allow-run=/bin"],
];
const ALL = ["-p", "minimal", "--allow-read", "--allow-run=/bin"];

/** Runs a script in the root. */
async function inside(
  script: string,
  flags: readonly string[],
  options: Parameters<typeof run>[1] = {},
  way: readonly string[] = [],
): Promise<Ended> {
  const root = await rootDirectory();
  return await run([
    ...[...way, ...jailCommand(), `--root=${root}`, ...flags],
    ...["--", "sh", "-c", script],
  ], { ...options, env: { PATH: "/bin", ...options.env } });
}

for (const engine of ENGINES) {
  for (const [name, way] of WAYS) {
    const flags = [`--engine=${engine}`, ...WORK];

    Deno.test({
      ...hasMounts(
        `jail (${engine}) moves nothing in a root to where another mount of it lets more be done, ${name}`,
      ),
      async fn(): Promise<void> {
        const root = await rootDirectory();
        const script = `cd "$0"; mkdir -p data/shut all
echo secret > data/shut/key; mount --bind data all; cd /; "$@"
umount "$0/all"; rm -r "$0/data" "$0/all"`;
        const { stdout, stderr } = await run([
          ...["unshare", "-m", "sh", "-c", script, root],
          ...[...way, ...jailCommand(), `--root=${root}`],
          ...[`--engine=${engine}`, "-p", "minimal", "--allow-run=/bin"],
          ...["--allow-read=/bin,/data", "--deny-read=/data/shut"],
          ...["--allow-write=/all", "--", "sh", "-c"],
          "mv /all/shut/key /all/key; cat /data/key",
        ], { env: { PATH: "/bin:/usr/bin:/sbin:/usr/sbin" } });
        assertEquals(stdout, "", stderr);
        assertMatch(stderr, /^mv: .*Permission denied$/m);
      },
    });

    Deno.test(`jail (${engine}) shows a program a directory as /, ${name}`, async () => {
      const { stdout, stderr, code } = await inside(
        "pwd; cd /var; pwd; cat note ../var/note /../../var/note; ls ..",
        [`--engine=${engine}`, ...ALL],
        {},
        way,
      );
      assertEquals([stderr, code], ["", 0]);
      const [first, second, ...rest] = stdout.split("\n");
      assertEquals([first, second], ["/", "/var"]);
      assertEquals(rest.slice(0, 3), ["inside", "inside", "inside"]);
      const names = rest.slice(3).filter((name) => !name.startsWith("lib"));
      assertEquals(
        names,
        ["bin", "dev", "etc", "proc", "secret", "sys", "tmp", "var", ""],
      );
    });

    Deno.test(`jail (${engine}) follows links to where they lead inside, ${name}`, async () => {
      const { stdout, stderr, code } = await inside(
        "cat /etc/absolute /etc/up /etc/var/note; readlink /etc/up",
        flags,
        {},
        way,
      );
      assertEquals([stderr, code], ["", 0]);
      assertEquals(
        stdout,
        "inside\nbox\ninside\n../../../../../etc/hostname\n",
      );
    });

    Deno.test(`jail (${engine}) means paths of rules inside, ${name}`, async () => {
      const { stdout, stderr } = await inside(
        `cat /var/../secret/key; echo > /etc/hostname; ln -s /secret /var/l; cat /var/l/key; rm -f /var/l
        echo new > /var/new && mv /var/new /var/newer && cat /var/newer && rm /var/newer`,
        [...flags, "--report"],
        {},
        way,
      );
      assertEquals(stdout, "new\n");
      assertStringIncludes(
        stderr,
        "cat: /var/../secret/key: Permission denied",
      );
      assertStringIncludes(stderr, "cannot create /etc/hostname");
      assertStringIncludes(stderr, 'real path "/secret/key"');
    });

    Deno.test(`jail (${engine}) takes no removed file for one in memory by its name, ${name}`, async () => {
      await using outer = await scratch();
      const root = `${outer.path}/root`;
      await run(["cp", "-a", await rootDirectory(), root]);
      await Deno.writeTextFile(`${root}/secret/other`, "secret\n");
      // Who runs the command may be somebody else.
      await run([
        "chmod",
        "a+rwX",
        root,
        `${root}/secret`,
        `${root}/secret/other`,
      ]);
      const script = `exec 5>>/secret/other; mv /secret/other /memfd:x
        rm /memfd:x && cat /proc/self/fd/5`;
      const { stdout, stderr } = await run([
        ...[...way, ...jailCommand(), `--root=${root}`, ...flags],
        ...["--allow-write=/", "--", "sh", "-c", script],
      ], { env: { PATH: "/bin" } });
      assertEquals(stdout, "");
      assertMatch(stderr, /^cat: .*Permission denied$/m);
    });

    Deno.test(`jail (${engine}) tells no real name of the machine by another name of its file, or where a link leads, ${name}`, async () => {
      for (const file of ["hostname", "name"]) {
        await using outer = await scratch();
        const root = `${outer.path}/root`;
        await run(["cp", "-a", await rootDirectory(), root]);
        await run(["chmod", "a+rwX", root, `${root}/etc`]);
        if (file !== "hostname") {
          await Deno.rename(`${root}/etc/hostname`, `${root}/etc/${file}`);
          await Deno.symlink(file, `${root}/etc/hostname`);
        }
        const script = `cat /etc/hostname /etc/${file}
          ln /etc/${file} /var/hard; mv /etc/${file} /var/moved
          cat /var/hard /var/moved; cat /etc/hostname`;
        const { stdout, stderr } = await run([
          ...[...way, ...jailCommand(), `--root=${root}`],
          ...[`--engine=${engine}`, "-A", "--deny-sys=hostname"],
          ...["--", "sh", "-c", script],
        ], { env: { PATH: "/bin" } });
        assertEquals(stdout, "(none)\n(none)\n(none)\n", stderr);
      }
    });

    Deno.test(`jail (${engine}) finds programs and interpreters inside, ${name}`, async () => {
      const root = await rootDirectory();
      await Deno.writeTextFile(
        `${root}/bin/script`,
        '#!/bin/bash\necho "$0 ${BASH_VERSION:+by bash}"\n',
      );
      await Deno.writeTextFile(`${root}/bin/alien`, "#!/usr/bin/perl\n");
      for (const name of ["script", "alien"]) {
        await Deno.chmod(`${root}/bin/${name}`, 0o755);
      }
      const { stdout, stderr } = await inside(
        "script; alien; exec /etc/../bin/script",
        [...flags, "--allow-run=/usr/bin"],
        {},
        way,
      );
      assertEquals(stdout, "/bin/script by bash\n/etc/../bin/script by bash\n");
      assertMatch(stderr, /alien: not found/);
    });

    const device =
      `jail (${engine}) opens no device that somebody put into a root, ${name}`;
    Deno.test({
      name: Deno.uid() === 0 ? device : `${device} (needs mknod)`,
      ignore: Deno.uid() !== 0,
      async fn(): Promise<void> {
        const root = await rootDirectory();
        // Harmless, but a rule cannot know that: it means a file.
        const made = await run(
          ["mknod", "-m666", `${root}/etc/passwd`, "c", "1", "3"],
        );
        assertEquals([made.stderr, made.code], ["", 0]);
        try {
          const { stdout, stderr } = await inside(
            "cat /etc/passwd && echo read; (: >> /etc/passwd) && echo opened",
            [...flags, "--allow-read=/etc/passwd", "--allow-write=/etc/passwd"],
            {},
            way,
          );
          assertEquals(stdout, "");
          assertMatch(
            stderr,
            /^cat: [^]*not permitted[^]*sh: [^]*not permitted/,
          );
        } finally {
          await Deno.remove(`${root}/etc/passwd`);
        }
      },
    });

    Deno.test(`jail (${engine}) follows a link of a directory that only looks like procfs, ${name}`, async () => {
      await using other = await scratch();
      const root = `${other.path}/root`;
      await run(["cp", "-a", await rootDirectory(), root]);
      await Deno.remove(`${root}/proc`, { recursive: true });
      await Deno.chmod(root, 0o777);
      const { stdout, stderr, code } = await run([
        ...[...way, ...jailCommand(), `--engine=${engine}`, `--root=${root}`],
        ...["-A", "--deny-read=/secret", "--", "sh", "-c"],
        `mkdir -p /proc/self /proc/$$ && ln -s /secret/key /proc/self/it &&
        echo other > /proc/$$/it && echo made && exec cat /proc/self/it`,
      ], { env: { PATH: "/bin" } });
      assertEquals([stdout, code], ["made\n", 1], stderr);
      assertStringIncludes(stderr, "cat: /proc/self/it: Permission denied");
    });

    for (const threads of [[], ["thread"]]) {
      const who = threads.length === 0 ? "a program" : "a program with threads";
      Deno.test(`jail (${engine}) lets ${who} reach nothing by a directory outside, ${name}`, async () => {
        await using outside = await scratch();
        await outside.file("flag", "flag\n", 0o666);
        await outside.file("victim", "victim\n", 0o666);
        await outside.file("program", "#!/bin/sh\nexit 0\n", 0o755);
        await Deno.symlink("flag", `${outside.path}/link`);
        await Deno.mkdir(`${outside.path}/sub`);
        const before = await run(["ls", "-lR", outside.path]);
        const root = await rootDirectory();
        await Deno.copyFile(
          fixture("reach_out", ["-pthread", "-static"]),
          `${root}/bin/reach_out`,
        );
        const argv = [
          ...[...way, ...jailCommand(), `--engine=${engine}`, "-A"],
          ...[`--root=${root}`, "--keep-fd=9", "--"],
          ...["/bin/reach_out", "9", ...threads],
        ];
        const ended = await run(
          ["bash", "-c", `exec 9<"$0" && exec "$@"`, outside.path, ...argv],
        );
        assertEquals(
          [ended.stdout, ended.stderr, ended.code],
          ["reached 0\n", "", 0],
        );
        const after = await run(["ls", "-lR", outside.path]);
        assertEquals(after.stdout, before.stdout);
      });
    }
  }

  Deno.test(`jail (${engine}) lets a program reach a directory that it is given, in its own root`, async () => {
    await using outside = await scratch();
    await outside.file("flag", "flag\n", 0o666);
    const argv = [
      ...[...jailCommand(), `--engine=${engine}`, "-A", "--keep-fd=9", "--"],
      ...[fixture("reach_out", ["-pthread", "-static"]), "9"],
    ];
    const { stdout } = await run(
      ["bash", "-c", `exec 9<"$0" && exec "$@"`, outside.path, ...argv],
    );
    assertStringIncludes(stdout, 'openat(d, "flag", O_RDONLY)\n');
  });

  Deno.test(`jail (${engine}) gives a root its /proc, and devices, and leaves none behind`, async () => {
    const root = await rootDirectory();
    const before = await Deno.readTextFile("/proc/self/mountinfo");
    const { stdout, stderr, code } = await inside(
      `readlink /proc/self/exe; [ -c /dev/null ] && echo > /dev/null && ls /dev/fd/ > /dev/null
      cat /proc/1/environ; ls /proc/1/root; cat`,
      [`--engine=${engine}`, "-A"],
      { stdin: "words\n" },
    );
    assertEquals([stdout, code], ["/bin/readlink\nwords\n", 0]);
    assertMatch(
      stderr,
      /environ: Permission denied[^]*root[^]*Permission denied/,
    );
    assertEquals([...Deno.readDirSync(`${root}/dev`)], []);
    assertEquals(await Deno.readTextFile("/proc/self/mountinfo"), before);
  });

  Deno.test(`jail (${engine}) lets nothing of the machine be changed in a root`, async () => {
    const { stdout, stderr } = await inside(
      `(: >> /proc/sys/kernel/core_pattern) && echo opened
      (: >> /sys/kernel/mm/ksm/run) && echo opened
      (: >> /proc/self/oom_score_adj) && echo own; cat /proc/sys/kernel/ostype`,
      [`--engine=${engine}`, "-A"],
    );
    assertEquals(stdout, "own\nLinux\n");
    assertStringIncludes(stderr, "core_pattern: Permission denied");
    const places = await run(["sh", "-c", OF_THE_MACHINE]);
    const { stdout: written } = await inside(
      `for at in ${places.stdout.split("\n").join(" ")}; do
        (: >> $at) && echo $at
      done`,
      [`--engine=${engine}`, "-A"],
    );
    assertEquals(written, "");
  });

  Deno.test(`jail (${engine}) lets a file outside be used as it was given, and be changed in no other way`, async () => {
    await using outside = await scratch();
    const given = await outside.file("given", "given\n", 0o666);
    const output = await outside.file("output", "", 0o666);
    const before = await run(["stat", "-c", "%a %s %y", given]);
    const argv = [
      ...[...jailCommand(), `--engine=${engine}`, "-A"],
      ...[`--root=${await rootDirectory()}`, "--", "sh", "-c"],
      `cat /dev/stdin; (echo 1 > /dev/stdin); (: >> /proc/self/fd/0)
      touch /proc/self/fd/0; ln -L /proc/self/fd/0 /var/l; chmod 600 /proc/self/fd/1
      echo more > /dev/stdout; cat /dev/stdout`,
    ];
    const { stderr } = await run(
      ["bash", "-c", `exec "\${@:2}" < "$0" > "$1"`, given, output, ...argv],
      { env: { PATH: `/bin:${Deno.env.get("PATH")}` } },
    );
    const after = await run(["stat", "-c", "%a %s %y", given]);
    assertEquals(after.stdout, before.stdout);
    const { mode = 0 } = await Deno.stat(output);
    assertEquals(
      [await Deno.readTextFile(output), (mode ?? 0) & 0o777],
      ["more\n", 0o666],
    );
    assertEquals(stderr.match(/not permitted/g)?.length, 6, stderr);
  });

  Deno.test(`jail (${engine}) takes the names of hosts from no file of a root, nor waits for one`, async () => {
    await using other = await scratch();
    const root = `${other.path}/root`;
    await run(["cp", "-a", await rootDirectory(), root]);
    await Deno.copyFile(fixture("reach", ["-static"]), `${root}/bin/reach`);
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const connect = async (): Promise<Ended> =>
      await run([
        ...[...jailCommand(), `--engine=${engine}`, `--root=${root}`],
        ...["-p", "minimal", "--allow-run=/bin", "--allow-read=/bin,/etc"],
        ...[`--allow-net=example.org:${port}`],
        ...["--", "/bin/reach", `connect=${port}`],
      ]);
    try {
      await Deno.writeTextFile(`${root}/etc/hosts`, "127.0.0.1 example.org\n");
      const refused = `connect ${port}: EACCES\n`;
      assertEquals((await connect()).stdout, refused);
      await Deno.remove(`${root}/etc/hosts`);
      const pipes = [`${root}/etc/hosts`, `${root}/etc/resolv.conf`];
      assertEquals((await run(["mkfifo", "-m", "666", ...pipes])).code, 0);
      assertEquals((await connect()).stdout, refused);
    } finally {
      listener.close();
    }
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) knows what lies over a file in a root where a mount was moved with its directory`,
    ),
    async fn(): Promise<void> {
      await using other = await scratch();
      const root = `${other.path}/root`;
      await run(["cp", "-a", await rootDirectory(), root]);
      // By the other name of the disk a directory comes beneath what is mounted.
      const script = `cd "$0/var"; mkdir disk alias; mount -t tmpfs disk disk
mkdir -p disk/in disk/of/over; mount --bind disk alias; mount -t tmpfs over disk/of/over
chmod -R 777 disk; exec "$@"`;
      const inside = `cd /var/disk/in; ln -s /secret/key file
mv /var/alias/in /var/alias/of/over/in; mv /var/alias/of /var/alias/by
mkdir /var/disk/by/over/in; : > /var/disk/by/over/in/file
chmod 777 file; chmod 711 /var/disk/by/over/in/file && stat -c %a /var/disk/by/over/in/file`;
      const before = await Deno.stat(`${root}/secret/key`);
      const { stdout, stderr } = await run(
        [
          ...["unshare", "-m", "sh", "-c", script, root],
          ...[...jailCommand(), `--engine=${engine}`, `--root=${root}`],
          ...["-p", "minimal", "--allow-run=/bin", "--no-landlock"],
          ...["--allow-read=/bin,/etc,/lib,/lib64,/usr,/var", "-W=/var"],
          ...["--", "/bin/bash", "-c", inside],
        ],
        { env: { PATH: `/bin:${Deno.env.get("PATH")}` } },
      );
      assertEquals(stdout, "711\n", stderr);
      assertMatch(stderr, /file.*(?:denied|not permitted)/);
      const after = await Deno.stat(`${root}/secret/key`);
      assertEquals(after.mode, before.mode);
    },
  });

  Deno.test(`jail (${engine}) judges what was opened outside by no path inside`, async () => {
    await using outside = await scratch();
    const file = await outside.file("hostname", "outside\n");
    const cat = async (...flags: string[]): Promise<Ended> => {
      const root = await rootDirectory();
      const argv = [
        ...[...jailCommand(), `--engine=${engine}`, `--root=${root}`],
        ...[...flags, "--", "cat", "/dev/stdin"],
      ];
      return await run(["bash", "-c", `exec "$@" < "$0"`, file, ...argv], {
        env: { PATH: `/bin:${Deno.env.get("PATH")}` },
      });
    };
    const few = ["-p", "minimal", "--allow-read=/proc,/dev,/etc,/tmp"];
    const refused = await cat(...few, "--report");
    assertEquals([refused.code, refused.stdout], [1, ""]);
    assertStringIncludes(refused.stderr, `real path "outside:${file}"`);
    const allowed = await cat("-A");
    assertEquals([allowed.code, allowed.stdout], [0, "outside\n"]);
  });
}

const FLAG = "the flag of a file that is closed\n";

/** How often a program got out of its root while a directory was moved out of it. */
async function escapes(
  argvOf: (policy: string, argv: readonly string[]) => readonly string[],
): Promise<number> {
  await using place = await scratch();
  const root = `${place.path}/root`;
  await Deno.mkdir(`${root}/open/p/d`, { recursive: true });
  await Deno.mkdir(`${place.path}/x`);
  await Deno.chmod(root, 0o755);
  await place.file("flag", FLAG);
  await Deno.writeTextFile(`${root}/open/flag`, "fine\n");
  const program = fixture("race_root", ["-pthread", "-static"]);
  await Deno.copyFile(program, `${root}/race`);
  const policy = await place.file(
    "policy.yaml",
    `extends: allow-all\nroot: ${root}\n`,
  );
  const mover = new Deno.Command(program, {
    args: ["outside", `${root}/open/p/d`, `${place.path}/x/d`],
  }).spawn();
  try {
    const ended = await run(argvOf(policy, ["/race", "inside", "3"]));
    const counts = /^attempts ([1-9][0-9]*) wins ([0-9]+)\n$/.exec(
      ended.stdout,
    );
    if (counts === null) throw new Error(JSON.stringify(ended));
    return Number(counts[2]);
  } finally {
    mover.kill("SIGKILL");
    await mover.status;
  }
}

for (const [name, way] of WAYS) {
  Deno.test(`jail holds a program in its root while a directory is moved out, ${name}`, async () => {
    const words = [...way, ...jailCommand(), "--no-landlock", "-p"];
    const escaped = await escapes((
      file,
      argv,
    ) => [...words, file, "--", ...argv]);
    assertEquals(escaped, 0);
  });

  if (way.length === 0) continue;
  Deno.test(`without pinning a program leaves its root while a directory is moved out, ${name}`, async () => {
    const escaped = await escapes((file, argv) => [
      ...[...way, ...withoutArgv("pinning", "seccomp", file, argv)],
    ]);
    assertNotEquals(escaped, 0);
  });
}

Deno.test("jail takes no flag that refuses what is in the root by its name outside", async () => {
  const root = await rootDirectory();
  const script = "cat /secret/key";
  for (const path of [`${root}/secret`, root]) {
    const ended = await inside(script, [...ALL, `--deny-read=${path}`]);
    assertEquals([ended.code, ended.stdout], [125, ""]);
    assertStringIncludes(ended.stderr, "the program has that as");
  }
  const meant = await inside(script, [...ALL, "--deny-read=/secret"]);
  assertEquals(meant.stdout, "");
  assertMatch(meant.stderr, /\/secret\/key: Permission denied/);
});

Deno.test("a program in another root keeps its ids, and gains no capability", async () => {
  const script = "id -u; id -g; cat /proc/self/status";
  const there = await inside(script, ["-A"]);
  const here = await run([...jailCommand(), "-A", "--", "sh", "-c", script]);
  const facts = (text: string): string[] => [
    ...text.split("\n").slice(0, 2),
    ...text.match(/^(?:Cap(?:Prm|Eff|Amb)|NoNewPrivs):.*$/gm) ?? [],
  ];
  assertEquals(facts(there.stdout), facts(here.stdout));
  assertEquals(facts(there.stdout).length, 6);
});

Deno.test("jail starts no program where no directory may be made its root", async () => {
  const root = await rootDirectory();
  const binary = Deno.env.get("JAIL_BINARY");
  const { stdout, stderr, code } = await run([
    ...["unshare", "--user", "--map-root-user", "sh", "-c"],
    'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all "$@"',
    ...["sh", ...binary === undefined ? jailCommand() : [binary]],
    ...[`--root=${root}`, "--", "ls", "/"],
  ]);
  assertEquals([stdout, code], ["", 125]);
  assertStringIncludes(
    stderr,
    `jail: Cannot make "${root}" the root directory: ` +
      "mount namespace: clone3 failed with EPERM; chroot: EPERM; " +
      "user namespace: clone3 failed with ENOSPC",
  );
  assertStringIncludes(stderr, "hint: start jail as root, or");
});

Deno.test("a program starts in a root that is replaced meanwhile, or jail says why not", async () => {
  await using directory = await scratch();
  const [box, other, away] = ["box", "other", "away"].map((name) =>
    `${directory.path}/${name}`
  ) as [string, string, string];
  const from = await rootDirectory();
  for (const copy of [box, other]) await run(["cp", "-a", from, copy]);
  let over = false;
  const exchange = async (): Promise<void> => {
    while (!over) {
      await Deno.rename(box, away);
      await Deno.rename(other, box);
      await Deno.rename(away, other);
    }
  };
  const exchanged = exchange();
  try {
    for (let turn = 0; turn < 20; turn++) {
      const { stdout, stderr, code } = await run([
        ...[...jailCommand(), ...WORK, `--root=${box}`],
        ...["--", "cat", "/var/note"],
      ]);
      if (code !== 0) assertStringIncludes(stderr, "jail: Cannot ");
      else assertEquals(stdout, "inside\n");
    }
  } finally {
    over = true;
    await exchanged;
  }
});

Deno.test("jail says so where the root is no directory", async () => {
  const { stderr, code } = await run([
    ...[...jailCommand(), "--root=/etc/passwd", "--", "ls"],
  ]);
  assertEquals(code, 125);
  assertStringIncludes(
    stderr,
    'jail: Cannot make "/etc/passwd" the root directory: open() failed with ENOTDIR',
  );
});

Deno.test("jail says where a policy names a root that is not there", async () => {
  await using directory = await scratch();
  const file = await directory.file(
    "policy.yaml",
    'extends: base\nroot: "${policy-dir}/none"\n',
  );
  const { stderr, code } = await run([
    ...[...jailCommand(), "-p", file, "--", "ls"],
  ]);
  assertEquals(code, 125);
  assertStringIncludes(stderr, "open() failed with ENOENT at line 2,");
});

Deno.test("jail says that a program is looked for in the root directory", async () => {
  const root = await rootDirectory();
  const flags = [`--root=${root}`, "-p", "minimal"];
  const { code, stderr } = await run([...jailCommand(), ...flags, "make"]);
  assertEquals(code, 127);
  assertStringIncludes(stderr, "of PATH, as the root directory has it\n");
});

Deno.test("jail plan asks for a program where a root does not have any", async () => {
  await using directory = await scratch();
  const file = await directory.file(
    "policy.yaml",
    'extends: base\nroot: "${policy-dir}"\n',
  );
  const { stderr, code } = await run([...jailCommand(), "plan", file]);
  assertEquals(code, 125);
  assertStringIncludes(stderr, "hint: name the program: jail plan");
});

Deno.test("a policy names its root, and the temporary directory lies in it", async () => {
  const root = await rootDirectory();
  await using directory = await scratch();
  await Deno.symlink(root, `${directory.path}/tree`);
  const file = await directory.file(
    "policy.yaml",
    `extends: base
root: "\${policy-dir}/tree"
read: ["\${tmp}", "\${cwd}"]
write: ["\${tmp}"]
run: [/bin]
env: [PATH]
`,
  );
  const { stdout, stderr, code } = await run(
    [
      ...[...jailCommand(), "-p", file, "--", "sh", "-c"],
      'pwd; cat note; echo it > "$TMPDIR/x" && cat "$TMPDIR/x"; echo "$TMPDIR"; ls "$TMPDIR"',
    ],
    { cwd: `${root}/var`, env: { PATH: "/bin" } },
  );
  const [cwd, note, it, tmp = "", ...rest] = stdout.split("\n");
  assertEquals([cwd, note, it, code], ["/var", "inside", "it", 0], stderr);
  assertMatch(tmp, /^\/tmp\/jail-[0-9a-f-]{36}$/);
  assertEquals(rest, ["x", ""]);
  assertEquals([...Deno.readDirSync(`${root}/tmp`)], []);
});

Deno.test("Jail runs a program in another root", async () => {
  const root = await rootDirectory();
  const jail = new Jail({ read: true, run: true });
  const { stdout, denials } = await jail.command("sh", {
    args: ["-c", "pwd; cat var/note; echo > var/note"],
    root,
    env: { PATH: "/bin" },
  }).output();
  assertEquals(new TextDecoder().decode(stdout), "/\ninside\n");
  assertEquals(
    denials.map(({ uses }) => uses.map(({ path }) => path)),
    [["/var/note"]],
  );
});
