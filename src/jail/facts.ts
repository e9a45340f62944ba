/**
 * What a program sees of the system where its policy says so: files, and the way it
 * starts.
 */

import { fromText, printable, toCString } from "../abi/bytes.ts";
import { errnoName } from "../abi/errno.ts";
import {
  O_CLOEXEC,
  O_CREAT,
  O_NOFOLLOW,
  O_TRUNC,
  O_WRONLY,
} from "../abi/fcntl.ts";
import { PR_SET_TSC, PR_TSC_SIGSEGV } from "../abi/prctl.ts";
import { UTS_FIELD } from "../abi/utsname.ts";
import { SystemCallError } from "../errors.ts";
import { escapeGlob } from "../policy/path/glob.ts";
import type { Policy } from "../policy/policy.ts";
import { given, givenUname, isReal, UNAME_FIELDS } from "../policy/sys.ts";
import { readClock } from "../sys/clock.ts";
import { allowedCpus, cpuMask } from "../sys/cpus.ts";
import { close, open, readFile, writeAll } from "../sys/files.ts";
import type { Step } from "../sys/launch/spawn.ts";
import type { View } from "../sys/view.ts";
import { Chance } from "../trace/facts/chance.ts";
import { WallClock } from "../trace/facts/clock.ts";
import { namesOf } from "../trace/facts/facts.ts";
import type { SysOptions } from "../trace/options.ts";
import { cpuInfo, cpuList, procStat } from "./cpu_files.ts";
import { TemporaryDirectory } from "./temporary.ts";

/** The most that is read of a file of /proc, in bytes. */
const MOST = 1 << 22;

/** Bytes of a file that stands for /dev/urandom. */
const RANDOM_BYTES = 1 << 16;

/** How many files stand for one path at most: for as many opens one after another. */
const MOST_FILES = 64;

/** The stream of random bytes that files have; those of processes count from 0. */
const FILE_STREAM = 0xffff_ffff;

/** Where the name of the machine is, or a link to it: hostname(5). */
const HOSTNAME = "/etc/hostname";

type Content = () => Uint8Array;

/** What a program sees of the system, for one run. */
export class SystemFacts {
  /** The policy, with what the files need. */
  readonly policy: Policy;
  /** What the tracer does; `undefined` where all is real. */
  readonly options: SysOptions | undefined;
  /** What the launcher does. */
  readonly steps: readonly Step[];
  readonly #directory: TemporaryDirectory;
  /** The names of its files, by what they stand for; the oldest one first. */
  readonly #made: Map<string, string[]> = new Map();

  /**
   * Prepares a run.
   *
   * @param policy its policy
   * @param env the environment that says where temporary files go
   * @param view where the program's paths begin
   */
  constructor(policy: Policy, env: readonly string[], view: View) {
    const { sys } = policy;
    this.#directory = new TemporaryDirectory(env, view);
    this.policy = policy;
    this.options = undefined;
    this.steps = [];
    if (isReal(sys)) return;
    this.steps = stepsOf(policy);
    const contents = contentsOf(policy, view);
    // Last: what is made here, nobody removes if anything below fails.
    if (contents.size > 0) {
      this.policy = withDirectory(policy, this.#directory.path);
    }
    this.options = {
      rules: sys,
      fileFor: (path) => {
        const content = contents.get(path);
        return content && this.#fileWith(path, content());
      },
    };
  }

  /** Where its files are, a real path; `undefined` where there are none. */
  get made(): string | undefined {
    return this.#directory.made;
  }

  /** Removes its files. Nobody may use them any more. */
  [Symbol.dispose](): void {
    this.#directory.remove();
  }

  /**
   * A file with this content. There are few of them for one path: whoever opens
   * one again and again, and closes none, must not fill the disk. So the oldest
   * one is written anew in the end, though somebody may still read it.
   */
  #fileWith(path: string, content: Uint8Array): string {
    const names = this.#made.get(path) ?? [];
    this.#made.set(path, names);
    const name = names.length < MOST_FILES
      ? fromText(crypto.randomUUID())
      : names.shift() as string;
    names.push(name);
    const fd = open(
      toCString(`${this.#directory.own}/${name}`),
      O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
      0o644,
    );
    const result = fd < 0 ? fd : writeAll(fd, content);
    if (fd >= 0) close(fd);
    if (result < 0) {
      throw new SystemCallError(
        `make a file that stands for ${printable(path)}`,
        "write()",
        errnoName(-result),
      );
    }
    return `${this.#directory.path}/${name}`;
  }
}

/**
 * Lets the files be read, and nobody change them, whatever else is allowed; nor move
 * the one that is no file of the kernel's, which would be read by another name.
 */
function withDirectory(policy: Policy, path: string): Policy {
  const ref = {
    source: "jail",
    keys: ["sys"],
    text: "files that say what sys does",
  };
  const rule = { pattern: escapeGlob(path), ref };
  const kept = givenUname(policy.sys).nodename === undefined
    ? []
    : [{ pattern: HOSTNAME, ref }];
  const { read, write } = policy;
  return {
    ...policy,
    read: { ...read, allow: [...read.allow, rule] },
    write: { ...write, deny: [...write.deny, rule, ...kept] },
  };
}

/** What the launcher does just before the filter. */
function stepsOf({ sys }: Policy): Step[] {
  const steps: Step[] = [];
  if (given(sys.time) !== undefined) {
    // It holds over fork and exec, and the program may not change it.
    steps.push({ call: "prctl", args: [PR_SET_TSC, PR_TSC_SIGSEGV] });
  }
  const cpus = given(sys.cpus);
  if (cpus !== undefined) {
    const mask = cpuMask(allowedCpus().slice(0, cpus));
    steps.push({ call: "sched_setaffinity", args: [0, mask.length, mask] });
  }
  return steps;
}

/** Which files have another content, by their real paths. */
function contentsOf(
  { sys }: Policy,
  view: View,
): ReadonlyMap<string, Content> {
  const contents = new Map<string, Content>();
  const text = (path: string, content: () => string): void => {
    contents.set(path, () => new TextEncoder().encode(content()));
  };
  const real = (path: string): string => {
    const bytes = readFile(path, MOST);
    return typeof bytes === "number" ? "" : new TextDecoder().decode(bytes);
  };
  const fields = givenUname(sys);
  if (Object.keys(fields).length > 0) {
    nameFiles(sys, view.realpath(HOSTNAME) ?? HOSTNAME, text);
  }
  const cpus = given(sys.cpus);
  if (cpus !== undefined) {
    text("/proc/cpuinfo", () => cpuInfo(real("/proc/cpuinfo"), cpus));
    for (const name of ["online", "possible", "present"]) {
      text(`/sys/devices/system/cpu/${name}`, () => cpuList(cpus));
    }
    text("/sys/devices/system/cpu/offline", () => "\n");
  }
  const time = given(sys.time);
  if (cpus !== undefined || time !== undefined && time.kind !== "deny") {
    const clock = new WallClock(time ?? { kind: "offset", by: 0 }, readClock);
    text("/proc/stat", () => {
      clock.read();
      const later = clock.seconds - Math.floor(Date.now() / 1000);
      return procStat(real("/proc/stat"), cpus, later);
    });
  }
  const seed = given(sys.random);
  if (seed !== undefined) {
    const chance = new Chance(seed, FILE_STREAM);
    const content = (): Uint8Array => {
      const bytes = new Uint8Array(RANDOM_BYTES);
      chance.fill(bytes);
      return bytes;
    };
    contents.set("/dev/urandom", content);
    contents.set("/dev/random", content);
  }
  return contents;
}

/** The files that say what uname(2) does, one of them where a link leads. */
function nameFiles(
  sys: Policy["sys"],
  hostname: string,
  text: (path: string, content: () => string) => void,
): void {
  const names = namesOf(sys);
  const [sysname = "", nodename = "", release = "", version = "", , domain] =
    UNAME_FIELDS.map((_, index) => {
      const field = names.subarray(index * UTS_FIELD, (index + 1) * UTS_FIELD);
      return new TextDecoder().decode(field.subarray(0, field.indexOf(0)));
    });
  const kernel = "/proc/sys/kernel";
  text(`${kernel}/ostype`, () => `${sysname}\n`);
  text(`${kernel}/hostname`, () => `${nodename}\n`);
  text(`${kernel}/osrelease`, () => `${release}\n`);
  text(`${kernel}/version`, () => `${version}\n`);
  text(`${kernel}/domainname`, () => `${domain}\n`);
  text("/proc/version", () => `${sysname} version ${release} ${version}\n`);
  text(hostname, () => `${nodename}\n`);
}
