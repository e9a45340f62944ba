import { assertEquals } from "@std/assert";
import { parsePolicy } from "./file/parse.ts";
import { floorOf, NO_FLOOR } from "./floor/floor.ts";
import type { FloorFacts } from "./floor/grants.ts";
import { heldRules } from "./floor/held.ts";
import { countCalls, gradeRules, notStrict } from "./grade.ts";
import { mergeLayers } from "./merge.ts";
import { planCalls } from "./plan/plan.ts";
import type { Policy } from "./policy.ts";

const FACTS: FloorFacts = {
  abi: 7,
  realpath: (path) => path,
  kind: (path) => path === "/usr/bin/gs" ? "file" : "directory",
  stays: () => true,
  changes: () => false,
  loaders: [],
};

async function policyOf(text: string): Promise<Policy> {
  const layer = await parsePolicy(text, { source: "p.yaml", variables: {} });
  return mergeLayers([layer]);
}

/** Each rule in words: section, text, mechanisms, grade. */
async function grades(
  text: string,
  landlock = true,
  grouped = false,
): Promise<string[]> {
  const policy = await policyOf(text);
  const floor = landlock ? floorOf(policy, FACTS) : NO_FLOOR;
  return gradeRules(policy, {
    plan: planCalls(policy, { observe: false, sockets: "streams" }),
    floor,
    held: heldRules(policy, FACTS, floor),
    filtered: true,
    grouped,
  }).map(({ section, text, mechanisms, grade }) =>
    `${section} ${text}: ${mechanisms.join("+")} ${grade}`
  );
}

const NET = "net all that is known: filter R0";

const CASES: readonly (readonly [string, readonly string[]])[] = [
  ["read: [/usr]", ["read /usr: stop+landlock R1"]],
  ["read: true", ["read true: stop R1"]],
  [
    "read: {allow: [/usr], deny: [/usr/x]}",
    ["read /usr: stop+landlock R1", "read /usr/x: stop R1"],
  ],
  ["run: [/usr/bin/gs]", ["run /usr/bin/gs: stop+landlock R1"]],
  [`run: ["/usr/bin/g*"]`, ["run /usr/bin/g*: stop+landlock R2"]],
  [`run: ["/memfd:*"]`, ["run /memfd:*: stop R3"]],
  ["env: [PATH]", ["env PATH: start R0"]],
  ["calls: {deny: [getpid]}", ["calls getpid: filter R0"]],
  ["calls: {deny: [openat]}", ["calls openat: stop R0"]],
  [
    "limits: {address-space: 4GiB}",
    ["limits address-space 4 GiB: start R0"],
  ],
  [
    "limits: {file-size: 1GiB}",
    ["limits file-size 1 GiB: start R0"],
  ],
];

Deno.test("gradeRules() says where the kernel holds memory", async () => {
  const text = "limits: {memory: 1GiB, cpu: 1s}\nnet: true";
  assertEquals(await grades(text), [
    ...[
      "limits cpu 1 s: watch+start R0",
      "limits memory 1 GiB: watch+start R2",
    ],
    NET,
  ]);
  assertEquals(await grades(text, true, true), [
    "limits cpu 1 s: watch+start R0",
    "limits memory 1 GiB: cgroup+watch+start R1",
    NET,
  ]);
});

for (const [text, want] of CASES) {
  Deno.test(`gradeRules() grades ${text}`, async () => {
    const found = await grades(`${text}\nnet: true`);
    assertEquals(
      found.map((line) => line.replace("stop+landlock R3", "stop R3")),
      [...want, NET],
    );
  });
}

Deno.test("gradeRules() calls it a best effort to refuse what the vDSO answers", async () => {
  const text = "calls: {deny: [gettimeofday]}\nnet: true\n";
  const of = async (more: string): Promise<string | undefined> =>
    (await grades(text + more)).find((line) => line.startsWith("calls "));
  assertEquals(await of(""), "calls gettimeofday: filter R3");
  const hidden = await of("sys: {time: 2000-01-01}\n");
  assertEquals(hidden, "calls gettimeofday: filter R0");
});

Deno.test("gradeRules() grades rules about the network", async () => {
  assertEquals(
    await grades(`net: {connect: ["10.0.0.1:443"], listen: ["*"]}`),
    ["net connect 10.0.0.1:443: stop+landlock R1", "net listen *: stop R1"],
  );
});

Deno.test("gradeRules() grades rules that name hosts", async () => {
  assertEquals(
    await grades(`net: {connect: {allow: ["*.a.org:443"], deny: ["b.a.org"]}}`),
    [
      "net connect *.a.org:443: stop+dns+landlock R1",
      "net connect b.a.org: stop+dns R1",
    ],
  );
  // By its address it may be reached all the same.
  assertEquals(
    await grades(`net: {connect: {allow: ["*:443"], ignore: ["b.a.org"]}}`),
    [
      "net connect *:443: stop+landlock R1",
      "net connect b.a.org: stop+dns R3",
    ],
  );
});

Deno.test("gradeRules() looks again at what runs where Landlock does not hold it", async () => {
  assertEquals(await grades("{run: [/usr/bin/gs], net: true}", false), [
    "run /usr/bin/gs: stop R2",
    NET,
  ]);
});

Deno.test("notStrict() finds a best effort under a strict policy alone", async () => {
  for (const [strict, want] of [[true, "/memfd:*"], [false, undefined]]) {
    const policy = await policyOf(`{run: ["/memfd:*"], strict: ${strict}}`);
    const rules = gradeRules(policy, {
      plan: planCalls(policy, { observe: false }),
      floor: NO_FLOOR,
      held: new Map(),
      filtered: true,
    });
    assertEquals(notStrict(policy, rules)?.text, want);
  }
});

Deno.test("countCalls() counts every call once", async () => {
  for (const answers of [false, true]) {
    const policy = await policyOf("net: true");
    const plan = planCalls(policy, { observe: false, answers });
    const { allowed, sifted, stopped, answered, refused } = countCalls(plan);
    assertEquals(allowed + sifted + stopped + answered + refused, plan.size);
    assertEquals(answered > 0, answers);
  }
});
