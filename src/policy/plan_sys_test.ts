import { assertEquals } from "@std/assert";
import { SYSCALLS } from "../abi/syscalls.ts";
import type { SyscallName } from "../abi/syscalls.ts";
import type { CallArguments } from "./guard.ts";
import { actionOf, planCalls } from "./plan.ts";
import { EMPTY_LAYER, type Policy } from "./policy.ts";
import { allReal, type SysRules } from "./sys.ts";

const ref = { source: "p.yaml", keys: ["sys"], text: "rule" };

function policyOf(sys: SysRules): Policy {
  return { ...EMPTY_LAYER, net: "none", sys };
}

function argumentsOf(args: readonly number[]): CallArguments {
  return {
    uint: (i) => (args[i] ?? 0) >>> 0,
    address: (i) => args[i] ?? 0,
  };
}

/** `allow`, an errno, `return 0`, or what the tracer does. */
function ask(
  sys: SysRules,
  name: SyscallName,
  args: readonly number[],
): string {
  const entry = planCalls(policyOf(sys), { observe: false }).get(name)!;
  const action = actionOf(entry, argumentsOf(args));
  switch (action.kind) {
    case "errno":
      return action.errno;
    case "return":
      return `return ${action.value}`;
    case "trace":
      return action.look.kind;
    default:
      return action.kind;
  }
}

const NAMED: SysRules = { uname: { nodename: { value: "box", ref } } };
const TIMEOUT = 0x7fff_0000;

const CASES: readonly (readonly [
  string,
  SysRules,
  SyscallName,
  readonly number[],
  string,
])[] = [
  ["the names", NAMED, "uname", [], "answer"],
  ...(["sched_getaffinity", "sched_setaffinity"] as const).map((name) =>
    [
      "processors",
      { cpus: { value: 2, ref } },
      name,
      [0],
      name === "sched_getaffinity" ? "answer" : "return 0",
    ] as const
  ),
  ["the user", { uid: { value: 0, ref } }, "getresuid", [], "answer"],
  ["the user", { gid: { value: 0, ref } }, "getuid", [], "allow"],
  ["groups", { gid: { value: 0, ref } }, "getgroups", [0, 0], "answer"],
  ["load", { sysinfo: { value: "deny", ref } }, "sysinfo", [], "EPERM"],
];

for (const [what, sys, name, args, expected] of CASES) {
  const facts = Object.keys(sys).join();
  Deno.test(`planCalls() with ${facts} given: ${what}, ${name}(${args}) is ${expected}`, () => {
    assertEquals(ask(sys, name, args), expected);
  });
}

Deno.test("planCalls() stops no call for facts that are real", () => {
  const plain = planCalls(policyOf({}), { observe: false });
  const real = planCalls(policyOf(allReal(ref)), { observe: false });
  for (const name of Object.keys(SYSCALLS) as SyscallName[]) {
    assertEquals(real.get(name), plain.get(name), name);
  }
  for (const name of ["clock_gettime", "gettimeofday", "uname"] as const) {
    assertEquals(ask(allReal(ref), name, [0, TIMEOUT]), "allow");
  }
});
