/**
 * Installs what the tests need where it is missing, and runs them.
 *
 *     deno task test                      all of them
 *     deno task test tests/exit_test.ts   those of a file or folder
 *
 * The command is bundled for them, as users can: it starts in half the time, and
 * they start it thousands of times. `JAIL_MAIN=main.ts` runs the sources instead.
 *
 * With `JAIL_NO_SKIP=1` a test that was skipped counts as failed, unless the
 * machine itself lacks what it needs, which its name says then. With
 * `JAIL_DEADLINE=600` what runs in one process is ended after as many seconds,
 * with all that it started, and counts as failed.
 */

import { LACKING } from "../tests/needs.ts";
import { bundle } from "./bundle.ts";
import {
  capture,
  type Counts,
  countsLine,
  DENO,
  pass,
  ROOT,
  say,
  sum,
} from "./parts.ts";

/** The Debian package that has each command or file which tests need. */
const PACKAGES: Readonly<Record<string, string>> = {
  "curl": "curl",
  "dig": "bind9-dnsutils",
  "gcc": "gcc",
  "gs": "ghostscript",
  "git": "git",
  "host": "bind9-host",
  "hostname": "hostname",
  "ip": "iproute2",
  "make": "make",
  "nasm": "nasm",
  "nc": "netcat-openbsd",
  "node": "nodejs",
  "nslookup": "bind9-dnsutils",
  "perl": "perl",
  "python3": "python3",
  "ruby": "ruby",
  "script": "bsdutils",
  "setpriv": "util-linux",
  "sqlite3": "sqlite3",
  "ssh": "openssh-client",
  "strace": "strace",
  "tmux": "tmux",
  "unshare": "util-linux",
  "/usr/include/asm-generic/unistd.h": "linux-libc-dev",
  "/usr/include/stdio.h": "libc6-dev",
};

/** The packages whose commands or files are missing. */
async function missingPackages(): Promise<string[]> {
  const missing: string[] = [];
  for (const [name, debian] of Object.entries(PACKAGES)) {
    const places = name.startsWith("/")
      ? [name]
      : (Deno.env.get("PATH") ?? "").split(":").map((dir) => `${dir}/${name}`);
    const found = await Promise.all(places.map(exists));
    if (!found.includes(true)) missing.push(debian);
  }
  return missing;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    // Whatever keeps us from seeing it keeps the tests from using it.
    return false;
  }
}

/** Installs packages, or says how to. */
async function install(packages: readonly string[]): Promise<void> {
  const command = `apt-get install -y --no-install-recommends ${
    packages.join(" ")
  }`;
  if (Deno.uid() !== 0 || !await exists("/usr/bin/apt-get")) {
    say(`Some tests are skipped until this has run: sudo ${command}`);
    return;
  }
  say(`Installing ${packages.join(", ")}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await pass("apt-get", ["update", "-qq"], env);
  const [name = "", ...args] = command.split(" ");
  if (!await pass(name, ["-qq", ...args], env)) {
    say(`Cannot install them: "${command}" failed`);
  }
}

/** What a run of tests came to. */
interface Tested extends Counts {
  /** The files in which a test failed. */
  readonly files: readonly string[];
}

/** Most files that are tried again: more is no matter of a busy machine. */
const MOST_TRIED_AGAIN = 3;

/**
 * Runs the tests. With `JAIL_SECOND_TRY=1` the files in which one failed are run
 * once more, and said to be: dozens of tests time real programs, and a machine
 * may be busy. What fails twice has failed.
 */
async function test(paths: readonly string[]): Promise<Counts> {
  const first = await testOnce(paths);
  const { files } = first;
  const again = Deno.env.get("JAIL_SECOND_TRY") === "1" &&
    files.length > 0 && files.length <= MOST_TRIED_AGAIN;
  if (!again) return first;
  say(`${first.failed} failed: ${files.join(", ")} once more`);
  const { failed } = await testOnce(files);
  return {
    passed: first.passed + first.failed - failed,
    failed,
    skipped: first.skipped,
  };
}

/** How many shares run at once, besides one that waits. */
const LANES = navigator.hardwareConcurrency + 1;

/** Runs the tests, several files at once, and counts what they came to. */
async function testOnce(paths: readonly string[]): Promise<Tested> {
  const all = await shares(paths);
  const done: Tested[] = [];
  const run = async (waiting: string[][], lanes: number): Promise<void> => {
    const lane = async (): Promise<void> => {
      for (;;) {
        const share = waiting.shift();
        if (share === undefined) return;
        done.push(await testShare(share, all.length === 1));
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  };
  await run(all.filter(isAlone), 1);
  const beside = all.filter((share) => !isAlone(share));
  await Promise.all([
    run(beside.filter((share) => !waits(share)), LANES),
    run(beside.filter(waits), 1),
  ]);
  return { ...sum(done), files: done.flatMap(({ files }) => files) };
}

/** Whether a share keeps every processor busy, and runs before others, not beside. */
function isAlone([file = ""]: readonly string[]): boolean {
  return file.endsWith("/races_test.ts");
}

/** What works the lesser part of its time, and waits for clocks, limits and keys else. */
const WAITING = [
  "ask_test.ts",
  "limits_test.ts",
  "sys_test.ts",
  "waits_test.ts",
];

/** Whether a share mostly waits: it takes the place of none that works. */
function waits([file = ""]: readonly string[]): boolean {
  return WAITING.some((name) => file.endsWith(`/${name}`));
}

/** What ends with this takes the longest, so that it begins first. */
const LONGEST = [
  ...["tracer_test.ts", "files_test.ts", "mounts_test.ts"],
  ...["kernel_test.ts", "names_test.ts", "library_test.ts"],
  "policies_test.ts",
];

/**
 * Cuts the tests into what runs in a process of its own: the files of `tests`, all
 * or some, one by one, since most of their time is spent waiting for jails, and all
 * else together.
 */
async function shares(paths: readonly string[]): Promise<string[][]> {
  const whole: string[][] = [];
  const together: string[] = [];
  for (const path of paths) {
    if (path === "tests") {
      for await (const file of testFiles(path)) whole.push([file]);
    } else if (path.startsWith("tests/")) whole.push([path]);
    else together.push(path);
  }
  const place = ([file = ""]: readonly string[]): number => {
    const at = LONGEST.findIndex((name) => file.endsWith(`/${name}`));
    return at < 0 ? LONGEST.length : at;
  };
  whole.sort((a, b) => place(a) - place(b) || (a[0]! < b[0]! ? -1 : 1));
  if (together.length > 0) whole.unshift(together);
  return whole;
}

async function* testFiles(folder: string): AsyncIterable<string> {
  for await (const { name } of Deno.readDir(new URL(folder, ROOT))) {
    if (name.endsWith("_test.ts")) yield `${folder}/${name}`;
  }
}

/**
 * Runs some files, and counts by the report that Deno writes beside them. Beside
 * others their output is shown at their end, in one piece.
 */
async function testShare(
  paths: readonly string[],
  alone: boolean,
): Promise<Tested> {
  const report = await Deno.makeTempFile({ prefix: "jail-junit-" });
  const test = ["test", "-A", "--no-check", `--junit-path=${report}`, ...paths];
  const [command = DENO, ...args] = [...inTime(), DENO, ...test];
  try {
    let success: boolean;
    if (alone) success = await pass(command, args);
    else {
      const ran = await capture(command, args);
      say(ran.output);
      success = ran.success;
    }
    const counts = countReport(await Deno.readTextFile(report));
    // What failed outside of any test (an import, say) is in no report.
    return success || counts.failed > 0
      ? counts
      : { ...counts, failed: 1, files: [...paths] };
  } finally {
    await Deno.remove(report);
  }
}

/** What ends a command at its deadline: a group of its own, timeout(1) too. */
function inTime(): string[] {
  const seconds = Deno.env.get("JAIL_DEADLINE");
  return seconds === undefined ? [] : ["timeout", "-v", "-s", "KILL", seconds];
}

function countReport(xml: string): Tested {
  const [, ...cases] = xml.split("<testcase ");
  const having = (tag: string): string[] =>
    cases.filter((text) => text.split("</testcase>")[0]?.includes(tag));
  const failed = having("<failure").length + having("<error").length;
  const ignored = having("<skipped");
  const skipped = ignored.filter((text) => !text.includes(LACKING)).length;
  const files = cases
    .filter((text) => /<(?:failure|error)/.test(text.split("</testcase>")[0]!))
    .map((text) => /classname="([^"]*)"/.exec(text)?.[1] ?? "");
  return {
    passed: cases.length - failed - ignored.length,
    failed,
    skipped,
    files: [...new Set(files)],
  };
}

/** What tests start beside the command, hundreds of times. */
const SCRIPTS = ["tests/between.ts", "tests/without.ts"];

/** Runs something with the command bundled, where that can be done here. */
async function withBundle<T>(run: () => Promise<T>): Promise<T> {
  if (Deno.env.has("JAIL_MAIN") || Deno.env.has("JAIL_BINARY")) {
    return await run();
  }
  const directory = await Deno.makeTempDir({ prefix: "jail-tested-" });
  try {
    await Deno.chmod(directory, 0o755);
    const scripts = `${directory}/scripts`;
    if (await bundle(directory) && await bundle(scripts, SCRIPTS)) {
      Deno.env.set("JAIL_MAIN", `${directory}/main.js`);
      Deno.env.set("JAIL_SCRIPTS", scripts);
    } else say("Cannot bundle the command: its sources are tested");
    return await run();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Where a skip is no way out, it is a failure. */
function strict({ passed, failed, skipped }: Counts): Counts {
  if (Deno.env.get("JAIL_NO_SKIP") !== "1" || skipped === 0) {
    return { passed, failed, skipped };
  }
  say(
    `${skipped} tests were skipped, and JAIL_NO_SKIP=1 counts them as failed`,
  );
  return { passed, failed: failed + skipped, skipped: 0 };
}

if (import.meta.main) {
  // What a program in Python has printed is there, however it ends.
  Deno.env.set("PYTHONUNBUFFERED", "1");
  // It looks for no packages of this user, which a question could be about.
  Deno.env.set("PYTHONNOUSERSITE", "1");
  const missing = await missingPackages();
  if (missing.length > 0) await install(missing);
  const paths = Deno.args.length > 0 ? Deno.args : ["src", "scripts", "tests"];
  const counts = strict(await withBundle(() => test(paths)));
  const line = countsLine(counts);
  const file = Deno.env.get("JAIL_COUNTS");
  if (file !== undefined) await Deno.writeTextFile(file, `${line}\n`);
  say(line);
  Deno.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);
}
