import { assertEquals } from "@std/assert";
import { Ajv } from "ajv";
import schema from "../../policies/schema.json" with { type: "json" };
import { compile } from "./compile.ts";
import { loadPolicy, policyLoader } from "./file/extend.ts";
import { parsePolicy } from "./file/parse.ts";
import { POLICY_KEYS } from "./file/shape.ts";
import { CALL_KEYS, REFUSAL_KEYS } from "./file/shape_calls.ts";
import { SYS_KEYS } from "./file/shape_sys.ts";
import { VARIABLES } from "./file/variables.ts";
import { parseYaml } from "./file/yaml.ts";
import { LIMIT_NAMES } from "./limits.ts";
import { mergeLayers } from "./merge.ts";
import { EFFECTS } from "./policy.ts";
import { PRESETS } from "./presets.ts";
import { UNAME_FIELDS } from "./sys.ts";

const VALUES = {
  cwd: "/home/u/w",
  home: "/home/u",
  tmp: "/tmp/t",
  program: "/usr/bin/prog",
  "policy-dir": "/p",
};

const validate = new Ajv({ strict: false }).compile(schema);

for (const { name, summary, text } of PRESETS) {
  Deno.test(`the schema accepts the built-in policy ${name}`, () => {
    validate(parseYaml(text));
    assertEquals(validate.errors ?? [], []);
  });

  Deno.test(`the built-in policy ${name} says who it is for`, () => {
    assertEquals(/^For .{20,200}\.$/.test(summary), true, summary);
  });

  Deno.test(`the built-in policy ${name} also passes as a stranger's file`, async () => {
    await parsePolicy(text, { source: name, variables: VALUES });
  });

  Deno.test(`the built-in policy ${name} never opens what no jail opens`, async () => {
    const load = policyLoader(() => Promise.resolve(undefined));
    const options = { load, variables: VALUES, from: "/" };
    const engine = compile(mergeLayers(await loadPolicy(name, options)));
    for (
      const [access, path, kind] of [
        ["write", "/proc/self/mem", "file"],
        ["read", "/proc/1/environ", "file"],
        ["read", "/dev/sda", "device"],
      ] as const
    ) {
      const uses = [{ access, path, kind }];
      assertEquals(engine.decide({ name: "openat", uses }).kind, "refuse");
    }
  });
}

Deno.test("the schema has the keys that policies have", () => {
  const { properties, definitions } = schema;
  assertEquals(Object.keys(properties).sort(), [...POLICY_KEYS].sort());
  assertEquals(Object.keys(properties.calls.properties), [...CALL_KEYS]);
  assertEquals(Object.keys(properties.limits.properties), [...LIMIT_NAMES]);
  assertEquals(Object.keys(definitions.refusedPath.properties), [
    "path",
    ...REFUSAL_KEYS,
  ]);
  const paths = definitions.paths.oneOf[1]?.properties;
  assertEquals(Object.keys(paths ?? {}), [...EFFECTS]);
  const sys = properties.sys.oneOf[1]?.properties;
  assertEquals(Object.keys(sys ?? {}), [...SYS_KEYS]);
  assertEquals(Object.keys(sys?.uname.oneOf[1]?.properties ?? {}), [
    ...UNAME_FIELDS,
  ]);
  for (const name of VARIABLES) {
    assertEquals(definitions.path.pattern.includes(name), true, name);
  }
});

// What the parser refuses for its shape, the schema refuses in the editor.
const REFUSED = [
  "limits: {open-files: 0}",
  "limits: {file-size: 3gb}",
  "limits: {open-file: 3}",
  "wirte: []",
  "read: /usr",
  "read: [usr]",
  "read: [3]",
  "read: {allow: [{path: /a, errno: EPERM}]}",
  "read: {deny: [{path: /a, errno: EPERM, kill: true}]}",
  "read: {deny: [{errno: EPERM}]}",
  "env: ['A=b']",
  "net: [a..b]",
  "net: {connect: ['a*.example']}",
  "net: {conect: []}",
  "net: {sockets: [packet]}",
  "net: {deny: [{errno: EPERM}]}",
  "net: 3",
  "sys: 3",
  "sys: {hostnam: x}",
  "sys: {time: noon}",
  "sys: {time: {fixed: 2000-01-01, rate: 1}}",
  "sys: {time: {from: 2000-01-01}}",
  "sys: {cpus: 0}",
  "sys: {others: 1}",
  "sys: {random: 1}",
  "env: {set: {A: 1}}",
  "default: 13",
  "calls: {deny: {openat: 1}}",
  "extends: 3",
];

const ACCEPTED = [
  "net: true",
  "net: [a, b.example, '*.c.example:443', '1.example.:80-90', _ldap._tcp.d]",
  "net: ['10.0.0.0/8:443', '[::1]:80', '*:53', localhost, 'unix:@x']",
  "net: {allow: true, deny: [{address: '1.2.3.4', errno: EPERM}]}",
  "net: {connect: ['[fe80::%eth0]/64:1-9'], listen: {ignore: ['*']}, sockets: [inet6]}",
  "env: {set: {A: b}, allow: [PATH]}",
  "sys: {uname: {release: '6.1'}, hostname: a, time: 2000-01-01, cpus: 2}",
  "sys: {time: {rate: 2, from: 2000-01-01T00:00:00.5+01:00}, uid: 0, gid: real}",
  "sys: {time: {offset: -3d}, random: {seed: 4}, sysinfo: deny}",
  "sys: {others: deny, sysinfo: real}",
  "sys: {deterministic: true, time: deny, uname: real}",
];

for (const text of ACCEPTED) {
  Deno.test(`the schema accepts ${text}, as the parser does`, async () => {
    validate(parseYaml(text));
    assertEquals(validate.errors ?? [], []);
    await parsePolicy(text, { source: "x", variables: VALUES });
  });
}

for (const text of REFUSED) {
  Deno.test(`the schema refuses ${text}`, () => {
    assertEquals(validate(parseYaml(text)), false);
  });
}
