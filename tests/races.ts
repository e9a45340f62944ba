/**
 * The races that a program may try to win, each as a program that tries: what
 * the tests and `deno task soak` run.
 */

import { createSocket, type Socket } from "node:dgram";
import type { Engine } from "../src/trace/options.ts";
import { fixture, jailArgv, run, start } from "./harness.ts";
import { scratch } from "./jail.ts";
import { type Part, withoutArgv } from "./without.ts";

/** One way to race against a check. */
export interface Race {
  /** What the attacker does. */
  readonly name: string;
  /** The program in `tests/fixtures`, and its arguments but the last one. */
  readonly words: readonly [string, ...string[]];
  /** What runs beside it outside of the jail, from `tests/fixtures`. */
  readonly outside?: readonly [string, ...string[]];
  /**
   * Whether the program may use the network; with `one port`, it gets that port
   * and another one as arguments, and may use the first alone.
   */
  readonly net?: boolean | "one port";
  /** Whether it runs under both engines in the test suite. */
  readonly both?: boolean;
  /** Whether the directory that all of it is in is the program's root directory. */
  readonly rooted?: boolean;
  /** Whether jail holds it without Landlock, which alone would refuse it all. */
  readonly floorless?: boolean;
  /** What is switched off where it wins, or why that cannot be shown. */
  readonly control: Part | {
    /** Why there is no control run. */
    readonly none: string;
  };
}

/** What a run of a race came to. */
export interface Raced {
  /** How often the program tried. */
  readonly attempts: number;
  /** How often it says that it won. */
  readonly wins: number;
  /** What changed outside the policy, as seen from outside. */
  readonly changed: readonly string[];
}

function path(
  how: string,
  whats: string,
  title: string,
  both = "",
  rooted = false,
): Race[] {
  return whats.split(" ").map((what) => ({
    name: `${title} (${what})`,
    words: ["race_path", how, what] as const,
    both: both.split(" ").includes(what),
    rooted,
    control: "pinning" as const,
  }));
}

const RESTARTED =
  "a call that is made again is checked again even without pinning";

/** Every race. */
export const RACES: readonly Race[] = [
  ...path(
    "thread",
    "open write stat chmod utimes truncate unlink exchange link",
    "a path is overwritten by a thread",
    "open exchange",
  ),
  ...path(
    "process",
    "open chmod",
    "a path is overwritten by a process with the same memory",
    "open",
  ),
  ...path(
    "vfork",
    "open",
    "a path is overwritten by the child of a vfork that was killed",
    "open",
  ),
  ...path(
    "death",
    "chmod",
    "a path is cut by the death of the parent of a vfork",
    "chmod",
  ),
  {
    name: "a path is cut by the death of one that nobody has told of",
    words: ["race_newborn"],
    both: true,
    control: { none: "its maker must be killed in one moment of many" },
  },
  {
    name: "a path is overwritten from outside, in a file that is mapped",
    words: ["race_path", "mapped", "open"],
    outside: ["race_path", "outside", "open"],
    both: true,
    control: "pinning",
  },
  {
    name: "a path is overwritten from outside, in a program's own file",
    words: ["race_path", "private", "open"],
    outside: ["race_path", "outside", "open"],
    both: true,
    control: "pinning",
  },
  {
    name: "a path is overwritten by a signal handler",
    words: ["race_path", "signal", "open"],
    both: true,
    control: { none: RESTARTED },
  },
  ...path(
    "link",
    "open write stat chmod utimes unlink link",
    "a directory becomes a link",
    "open chmod",
  ),
  ...path(
    "directory",
    "open stat chmod unlink",
    "the working directory is moved",
    "open",
  ),
  ...path("dirfd", "open chmod unlink", "the directory of a call is moved"),
  ...path(
    "link",
    "open chmod",
    "a directory becomes a link in another root",
    "open",
    true,
  ),
  ...path(
    "thread",
    "open",
    "a path is overwritten by a thread in another root",
    "",
    true,
  ),
  ...path(
    "chdir",
    "open stat chmod",
    "the working directory is changed by a thread",
    "open",
  ),
  ...path(
    "dup2",
    "open chmod",
    "the descriptor of a directory is replaced",
    "open",
  ),
  ...[
    ["link", "a directory becomes a link by another process"],
    ["removed", "a link is removed by another process"],
    ["directory", "the working directory is moved by another process"],
    ["dirfd", "the directory of a call is moved by another process"],
    ["magic", "a path leads through another process"],
    ["fs", "the working directory is shared with another process"],
    ["files", "the descriptors are shared with another process"],
    ["cut", "the file of a private page is cut off by another process"],
  ].flatMap(([how = "", title = ""]) =>
    ["open", "stat", "chmod"].map((what): Race => ({
      name: `${title} (${what})`,
      words: ["race_apart", how, what],
      both: what === "open",
      floorless: true,
      control: "pinning",
    }))
  ),
  ...["connect", "bind"].map((what): Race => ({
    name: `a directory becomes a link by another process (${what})`,
    words: ["race_apart", "link", what],
    net: true,
    both: what === "connect",
    floorless: true,
    control: "pinning",
  })),
  ...["open", "stat", "chmod"].map((what): Race => ({
    name: `the file of a private page is cut off from outside (${what})`,
    words: ["race_apart", "alone", what],
    outside: ["race_apart", "outside", what],
    both: what === "chmod",
    floorless: true,
    control: "pinning",
  })),
  ...["open", "stat"].map((what): Race => ({
    name: `a directory is moved that a path leads out of again (${what})`,
    words: ["race_dots", what],
    both: what === "open",
    floorless: true,
    control: { none: "a path is looked up without .. whatever is left out" },
  })),
  {
    name: "the process id of a capget is overwritten",
    words: ["race_id"],
    both: true,
    control: "pinning",
  },
  {
    name: "open_how is overwritten",
    words: ["race_how"],
    both: true,
    control: "pinning",
  },
  {
    name: "the path of an exec is overwritten",
    words: ["race_exec", "thread", "broken"],
    both: true,
    control: "pinning",
  },
  {
    name: "the path of an exec that works is overwritten",
    words: ["race_exec", "thread", "real"],
    control: "pinning",
  },
  {
    name: "a directory on the path of an exec becomes a link",
    words: ["race_exec", "link", "broken"],
    control: "pinning",
  },
  {
    name: "an exec ends a thread whose call waits",
    words: ["race_answer"],
    floorless: true,
    control: "waiting",
  },
  ...["chmod", "xattr", "reopen"].map((what): Race => ({
    name: `a descriptor is replaced (${what})`,
    words: ["race_fd", what, "thread"],
    both: what === "chmod",
    control: "pinning",
  })),
  {
    name: "a descriptor is replaced that is named by the id of a thread",
    words: ["race_fd", "name", "thread"],
    both: true,
    control: "pinning",
  },
  {
    name:
      "a path leads to another process once the descriptors of one are held",
    words: ["race_whose"],
    both: true,
    control: "pinning",
  },
  {
    name: "a descriptor is replaced by a thread whose exit has failed",
    words: ["race_fd", "chmod", "exit"],
    both: true,
    control: "pinning",
  },
  {
    name: "a descriptor is replaced by a parent whose vfork is over",
    words: ["race_fd", "chmod", "parent"],
    both: true,
    control: "pinning",
  },
  {
    name: "a descriptor is replaced by a child that nobody has told of",
    words: ["orphan_fd"],
    both: true,
    control: { none: "its maker must be killed in one moment of many" },
  },
  {
    name: "the address of a bind is overwritten",
    words: ["race_socket", "bind"],
    net: true,
    both: true,
    control: "pinning",
  },
  {
    name: "the directory of a bind is changed by a thread",
    words: ["race_socket", "here"],
    net: true,
    both: true,
    control: "pinning",
  },
  ...[
    ["connect", "the address of a connect is overwritten"],
    ["sendto", "the address of a sendto is overwritten"],
    ["sendmsg", "the address of a message is overwritten"],
    ["sendmmsg", "the address of one of several messages is overwritten"],
    ["name", "the pointer to the address of a message is overwritten"],
    ["control", "a control message is overwritten"],
    ["bind", "the port of a bind is overwritten"],
    ["listen", "the descriptor of a listen is replaced"],
    ["socket", "a socket is used before it has its filter"],
  ].map(([what = "", name = ""]): Race => ({
    name,
    words: ["race_net", what],
    net: "one port",
    both: what === "sendmsg",
    control: "pinning",
  })),
  {
    name: "a connect without the network",
    words: ["race_socket", "connect"],
    control: { none: "the filter refuses it, whatever the address says" },
  },
];

const FLAG = "the flag of a file that is closed\n";

/** How long a race may take beyond its own time. */
const GRACE_MS = 60_000;

/**
 * Runs a race.
 *
 * @param race what to run
 * @param engine how calls are caught
 * @param seconds for how long
 * @param without what is switched off, where it is a control
 * @returns what it came to
 */
export async function runRace(
  race: Race,
  engine: Engine,
  seconds: number,
  without?: Part,
): Promise<Raced> {
  await using directory = await scratch();
  const home = directory.path;
  await lay(home);
  using _listener = Deno.listen({
    transport: "unix",
    path: `${home}/closed/socket`,
  });
  await using ports = await Ports.open();
  const policy = await directory.file(
    "policy.yaml",
    policyOf(race, home, ports),
  );
  const [name, ...words] = race.words;
  const program = race.rooted === true
    ? await putInside(name, home)
    : fixture(name);
  const before = await census(home);
  await using _outside = beside(race, home, seconds);
  const numbers = race.net === "one port" ? ports.numbers.map(String) : [];
  const argv = [program, ...words, ...numbers, String(seconds)];
  const floor = race.floorless === true ? ["--no-landlock"] : [];
  const ended = await within(
    seconds * 1000 + GRACE_MS,
    without === undefined
      ? jailArgv([...floor, "-p", policy], argv, engine)
      : withoutArgv(without, engine, policy, argv),
    home,
  );
  const counts = /^attempts ([0-9]+) wins ([0-9]+)\n$/.exec(ended.stdout);
  if (counts === null || ended.code !== 0 || ended.stderr !== "") {
    throw new Error(`${race.name}: ${JSON.stringify(ended)}`);
  }
  return {
    attempts: Number(counts[1]),
    wins: Number(counts[2]),
    changed: [
      ...differences(before, await census(home)),
      ...ports.reached(),
    ],
  };
}

/** Puts a program, which needs nothing else, where it is to be the root. */
async function putInside(name: string, home: string): Promise<string> {
  const file = fixture(name, ["-pthread", "-static"]);
  await executable(`${home}/race`, await Deno.readFile(file));
  return "/race";
}

/** Runs what a race has outside of the jail, until it is disposed of. */
function beside(race: Race, cwd: string, seconds: number): AsyncDisposable {
  if (race.outside === undefined) {
    return { [Symbol.asyncDispose]: (): Promise<void> => Promise.resolve() };
  }
  const [name, ...words] = race.outside;
  const argv = [fixture(name), ...words, String(seconds + GRACE_MS / 1000)];
  const [program = "", ...args] = argv;
  const child = new Deno.Command(program, {
    args,
    cwd,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}

/** Runs a command that is killed when it takes longer than it may. */
async function within(
  milliseconds: number,
  argv: readonly string[],
  cwd: string,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = start(argv, { cwd });
  const late = setTimeout(() => child.kill("SIGKILL"), milliseconds);
  await child.stdin.close();
  const { code, stdout, stderr } = await child.output();
  clearTimeout(late);
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** Whether the attacker got anything. */
export function isWon({ wins, changed }: Raced): boolean {
  return wins > 0 || changed.length > 0;
}

/** Two ports of 127.0.0.1: of the second one it is seen whether a datagram came. */
class Ports implements AsyncDisposable {
  /** The ports. */
  readonly numbers: readonly [number, number];
  readonly #sockets: readonly Socket[];
  #count = 0;

  private constructor(open: Socket, closed: Socket) {
    this.#sockets = [open, closed];
    this.numbers = [open.address().port, closed.address().port];
    closed.on("message", () => this.#count++);
  }

  static async open(): Promise<Ports> {
    const sockets = await Promise.all([bound(), bound()]);
    return new Ports(...sockets);
  }

  /** What came to the second port, in words; nothing where nothing did. */
  reached(): string[] {
    return this.#count === 0 ? [] : [`${this.#count} datagrams came`];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#sockets.map((socket) =>
        new Promise<void>((resolve) => socket.close(() => resolve()))
      ),
    );
  }
}

function bound(): Promise<Socket> {
  const socket = createSocket("udp4");
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(0, "127.0.0.1", () => resolve(socket));
  });
}

function policyOf(race: Race, home: string, { numbers }: Ports): string {
  const net = race.net === "one port"
    ? `["127.0.0.0/8:${numbers[0]}"]`
    : race.net === true;
  const above = race.rooted === true ? "" : home;
  return `extends: base
${race.rooted === true ? `root: ${home}` : ""}
read: ["${above}/open", "${above}/seen", /proc/sys/kernel]
write: ["${above}/open", "${above}/unread"]
run: ["${above}/open", "\${program}"]
net: ${net}
`;
}

/** Makes the files that the race programs expect. */
async function lay(home: string): Promise<void> {
  const directories =
    "open open/a open/d open/p open/p/q open/p/q/d open/p/q/open seen unread closed";
  for (const name of directories.split(" ")) {
    await Deno.mkdir(`${home}/${name}`);
    await Deno.chmod(`${home}/${name}`, 0o777);
  }
  const files = "open/flag open/other open/a/flag open/p/flag seen/flag";
  for (const name of files.split(" ")) await file(`${home}/${name}`, "fine\n");
  for (const name of ["closed/flag", "closed/other", "unread/flag", "flag"]) {
    await file(`${home}/${name}`, FLAG);
  }
  await Deno.symlink("a", `${home}/open/link`);
  await Deno.symlink("../closed", `${home}/open/spare`);
  await run(["mkfifo", "-m", "666", `${home}/open/fifo`]);
  const program = await Deno.readFile(fixture("race_exec"));
  await executable(`${home}/closed/program`, program);
  await executable(`${home}/open/real`, program);
  for (const from of [home, `${home}/open/p/q`]) {
    const path = `${from}/${NO_LOADER}`;
    await executable(path, new TextEncoder().encode("none"));
  }
  const broken = withLoader(program, NO_LOADER);
  await executable(`${home}/open/broken`, broken);
  await executable(`${home}/open/a/program`, broken);
  await executable(
    `${home}/mark`,
    await Deno.readFile(fixture("mark", ["-nostdlib", "-static"])),
  );
  await executable(`${home}/open/mark`, broken);
}

/** What is no loader, from where execs are tried. */
const NO_LOADER = "open/none";

/** A program with another loader: what is none the kernel finds out, and not jail. */
function withLoader(program: Uint8Array, loader: string): Uint8Array {
  const known = "/lib64/ld-linux-x86-64.so.2";
  const at = new TextDecoder("latin1").decode(program).indexOf(known);
  if (at < 0) throw new Error("the program names no loader");
  const changed = program.slice();
  changed.set(new TextEncoder().encode(loader.padEnd(known.length, "\0")), at);
  return changed;
}

async function file(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, 0o666);
}

async function executable(path: string, bytes: Uint8Array): Promise<void> {
  await Deno.writeFile(path, bytes);
  await Deno.chmod(path, 0o755);
}

/** Everything that can be seen of what the policy does not let be written. */
async function census(home: string): Promise<ReadonlyMap<string, string>> {
  const found = await run([
    "find",
    ...["flag", "seen", "closed", "policy.yaml"].map((n) => `${home}/${n}`),
    ...["-printf", "%P|%p %y %m %n %i %s %T@ %C@ %l\\n"],
  ]);
  const lines = found.stdout.trimEnd().split("\n");
  const seen = new Map(lines.map((line) => [line.split(" ")[0] ?? "", line]));
  const names = [...Deno.readDirSync(home)].map(({ name }) => name);
  return seen.set("names", names.toSorted().join(" "));
}

function differences(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): string[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => `${before.get(name) ?? "-"} => ${after.get(name) ?? "-"}`);
}
