import { assertEquals } from "@std/assert";
import { type SyscallName, SYSCALLS } from "../../abi/syscalls.ts";
import { parsePolicy } from "../file/parse.ts";
import { mergeLayers } from "../merge.ts";
import { actionOf, planCalls } from "./plan.ts";
import { type TreeRights, unaskedPlan } from "./unasked.ts";

/** What comes of a call, or of what is not held. */
async function planned(
  policy: string,
  rights: Partial<TreeRights> = {},
): Promise<{
  readonly of: (name: SyscallName, ...args: number[]) => string;
  readonly unheld: readonly string[];
}> {
  const layer = await parsePolicy(policy, {
    ...{ source: "p.yaml", variables: {} },
  });
  const merged = mergeLayers([layer]);
  const { plan, unheld } = unaskedPlan(
    planCalls(merged, { observe: false, sockets: "streams" }),
    merged,
    {
      ...{ runsEverything: false, changes: true, makesTerminals: false },
      ...rights,
    },
  );
  return {
    of: (name, ...args) => {
      const entry = plan.get(name);
      if (entry === undefined) return "nothing";
      const action = actionOf(entry, {
        uint: (i) => (args[i] ?? 0) >>> 0,
        address: (i) => args[i] ?? 0,
      });
      return action.kind === "errno" ? action.errno : action.kind;
    },
    unheld: [...new Set(unheld.map(({ why }) => why))],
  };
}

const CASES: readonly (readonly [
  what: string,
  policy: string,
  call: readonly [SyscallName, ...number[]],
  want: string,
])[] = [
  ["lets paths be used", "{}", ["openat", 0, 4096], "allow"],
  ["lets descriptors be changed", "{}", ["fchmod", 3], "allow"],
  ["lets programs be executed", "{}", ["execve", 4096], "allow"],
  ["lets nobody take turns from the first process", "{}", [
    ...["setpriority", 0, 1] as const,
  ], "ESRCH"],
  ["lets a process be made slower", "{}", ["setpriority", 0, 2], "allow"],
  ["lets no owner be signalled", "{}", ["fcntl", 3, 4, 0o20000], "EPERM"],
  ["lets no pipe be read otherwise", "{}", ["fcntl", 3, 4, 0o40000], "EINVAL"],
  ["lets no core be dumped", "{}", ["prlimit64", 0, 4, 1, 1], "EPERM"],
  ["lets the limit for cores be asked for", "{}", [
    ...["prlimit64", 0, 4, 0, 1] as const,
  ], "allow"],
  ["lets no group be made slower", "{}", ["setpriority", 1, 0], "EPERM"],
  ["lets no group wait for its files", "{}", ["ioprio_set", 2, 0], "EPERM"],
  ["lets a child be waited for by a descriptor", "{}", [
    ...["waitid", 3, 1] as const,
  ], "allow"],
  ["lets no file be set to run as its owner", "{}", [
    ...["chmod", 4096, 0o4755] as const,
  ], "EPERM"],
  ["lets no file be set to run as its group", "{}", [
    ...["fchmodat", 3, 4096, 0o2644] as const,
  ], "EPERM"],
  ["lets no file be made that runs as its owner", "{}", [
    ...["openat", 3, 4096, 0o101, 0o4755] as const,
  ], "EPERM"],
  ["does not look at the mode of an open that makes nothing", "{}", [
    ...["openat", 3, 4096, 0, 0o4755] as const,
  ], "allow"],
  ["lets no file be made with a mode that is in memory", "{}", [
    "openat2",
  ], "ENOSYS"],
  ["opens nothing for neither reading nor writing", "write: true", [
    ...["openat", 3, 4096, 0o203, 0] as const,
  ], "EACCES"],
  ["opens the name of a file alone", "{}", [
    ...["open", 4096, 0o1000_0003, 0] as const,
  ], "allow"],
  ["opens nothing by flags that are in memory", "write: true", [
    "openat2",
  ], "ENOSYS"],
  ["lets files run as their owner where all may be written", "write: true", [
    ...["chmod", 4096, 0o4755] as const,
  ], "allow"],
  ["lets processes be named", "{}", ["kill", 17, 9], "allow"],
  ["lets no namespace be made", "{}", ["clone", 0x1000_0000], "EPERM"],
  ["lets nothing be mounted", "{}", ["mount"], "EPERM"],
  ["lets the lowest pages be as they are", "{}", [
    "mmap",
    ...[65536, 4096, 1, 0x10],
  ], "EPERM"],
  ["lets no network be used", "{}", ["socket", 2, 1], "EACCES"],
  ["lets no file in memory be made", "{}", ["memfd_create"], "ENOSYS"],
  ["lets none be made that is never executed, which a loader maps", "{}", [
    ...["memfd_create", 4096, 8] as const,
  ], "ENOSYS"],
  [
    "lets no file in memory be made where a rule refuses that",
    "calls: {deny: [memfd_create]}",
    ["memfd_create", 4096, 8],
    "EPERM",
  ],
  [
    "lets no streams be paired where a rule refuses that",
    "{net: true, calls: {deny: [socketpair]}}",
    ["socketpair", 1, 1],
    "EPERM",
  ],
  ["lets no pair for datagrams be made", "net: true", [
    ...["socketpair", 1, 2] as const,
  ], "EACCES"],
  ["lets the network be used", "net: true", ["socket", 2, 1], "allow"],
  ["lets no socket of the machine be reached", "net: true", [
    ...["socket", 1, 1] as const,
  ], "EACCES"],
  ["lets streams be paired", "net: true", ["socketpair", 1, 1], "allow"],
  ["lets no datagrams be paired", "net: true", ["socketpair", 1, 2], "EACCES"],
  [
    "lets all sockets be reached where all may be written",
    "{net: true, write: true}",
    [
      ...["socket", 1, 1] as const,
    ],
    "allow",
  ],
];

for (const [what, policy, [name, ...args], want] of CASES) {
  Deno.test(`a plan without questions ${what}`, async () => {
    const { of, unheld } = await planned(policy);
    assertEquals([of(name, ...args), unheld], [want, []]);
  });
}

Deno.test("a plan without questions asks about no call", async () => {
  const { of } = await planned("net: true");
  for (const name of ["stat", "open", "connect", "setpgid", "ioctl"] as const) {
    assertEquals(of(name) === "trace", false, name);
  }
});

Deno.test("a plan without questions lets any file in memory be made where all may be run", async () => {
  const { of } = await planned("{}", { runsEverything: true });
  assertEquals(of("memfd_create"), "allow");
});

Deno.test("a plan without questions lets no file be changed where none may be", async () => {
  const { of } = await planned("{}", { changes: false });
  const setFlags = 0x4008_6602;
  assertEquals(
    [of("fchmod", 0, 0o644), of("utimensat", 0), of("ioctl", 0, setFlags)],
    ["EROFS", "EROFS", "EROFS"],
  );
});

Deno.test("a plan without questions lets no hint be put on a file", async () => {
  const { of } = await planned("{}");
  assertEquals(of("fcntl", 3, 1036), "EACCES");
});

Deno.test("a plan without questions lets no terminal of others get another size", async () => {
  const size = 0x5414;
  const { of } = await planned("{}");
  const { of: making } = await planned("{}", { makesTerminals: true });
  assertEquals([of("ioctl", 0, size), making("ioctl", 0, size)], [
    "EPERM",
    "allow",
  ]);
});

Deno.test("a plan without questions keeps nobody from a terminal", async () => {
  const { of } = await planned("{}", { makesTerminals: true });
  assertEquals([of("ioctl", 0, 0x540c), of("ioctl", 0, 0x540d)], [
    "EPERM",
    "EPERM",
  ]);
});

Deno.test("a plan without questions lets no program stop or drop what jail writes to the terminal", async () => {
  const { of } = await planned("{}");
  const STOP = [[0x540a, 0], [0x540a, 2], [0x540b, 1], [0x540b, 2]] as const;
  assertEquals(
    STOP.map(([command, queue]) => of("ioctl", 1, command, queue)),
    Array(4).fill("return"),
  );
});

const UNHELD: readonly (readonly [policy: string, why: string])[] = [
  [
    "net: {connect: [10.0.0.1]}",
    "it is about hosts, and addresses are in memory",
  ],
  [
    "{net: {sockets: [inet]}, calls: {deny: [setsockopt]}}",
    "it is about hosts, and addresses are in memory",
  ],
  ["limits: {processes: 9}", "nobody is there to count"],
  ["limits: {output: 1MiB}", "nobody is there to count"],
  ["calls: {kill: [uname]}", "nobody is there to end the jail"],
  ["default: kill", "nobody is there to end the jail"],
  ["sys: {hostname: box}", "nobody is there to answer uname"],
];

for (const [policy, why] of UNHELD) {
  Deno.test(`a plan without questions does not hold ${policy}`, async () => {
    assertEquals((await planned(policy)).unheld.includes(why), true);
  });
}

Deno.test("a plan without questions refuses each call that a rule refuses by name, as it says", async () => {
  const bits = [0, 1, 2, 8, 0o4755, 4096];
  for (const name of Object.keys(SYSCALLS) as SyscallName[]) {
    const calls = `{deny: {${name}: ENODATA}}`;
    const { of } = await planned(`{net: true, calls: ${calls}}`, {
      changes: false,
    });
    for (const one of bits) {
      const done = bits.map((two) => of(name, one, two, one, two));
      assertEquals([name, new Set(done)], [name, new Set(["ENODATA"])]);
    }
  }
});
