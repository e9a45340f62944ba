import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { PolicyError } from "../../errors.ts";
import type { Call, FileKind } from "../call.ts";
import { compile } from "../compile.ts";
import type { Engine } from "../decide.ts";
import type { Decision } from "../decision.ts";
import { parsePolicy } from "../file/parse.ts";
import { netFloor } from "../floor/net_floor.ts";
import { mergeLayers } from "../merge.ts";
import type { Policy } from "../policy.ts";
import {
  type Endpoint,
  endpointText,
  type NetAccess,
  parseInet,
  parseInet6,
} from "./endpoint.ts";
import { socketFamilies } from "./net.ts";
import { needsSources, sourcesOf } from "./sources.ts";

async function policyOf(...texts: string[]): Promise<Policy> {
  return mergeLayers(
    await Promise.all(
      texts.map((text) =>
        parsePolicy(text, { source: "p.yaml", variables: { cwd: "/w" } })
      ),
    ),
  );
}

async function engineOf(...texts: string[]): Promise<Engine> {
  return compile(await policyOf(...texts), {
    interfaceIndex: (name) => name === "eth0" ? 2 : undefined,
  });
}

/** An endpoint as endpointText() writes it, or `unix:/path`, `unix:@name`. */
function endpointOf(text: string): Endpoint {
  if (text.startsWith("unix:@")) {
    return { family: "abstract", name: text.slice(6) };
  }
  if (text.startsWith("unix:")) {
    return { family: "unix", path: text.slice(5), kind: "socket" };
  }
  const colon = text.lastIndexOf(":");
  const port = Number(text.slice(colon + 1));
  const host = text.slice(0, colon);
  const address = parseInet(host);
  if (address !== undefined) return { family: "inet", address, port };
  const [plain = "", scope = "0"] = host.slice(1, -1).split("%");
  return {
    family: "inet6",
    address: parseInet6(plain) ?? [],
    port,
    scope: Number(scope),
  };
}

/** `allow`, or the errno. */
function ask(
  engine: Engine,
  access: NetAccess,
  text: string,
  chosen = false,
): string {
  return word(engine.decide({
    name: access === "connect" ? "connect" : "bind",
    uses: [],
    net: [{ access, endpoint: endpointOf(text), chosen }],
  }));
}

function word(decision: Decision): string {
  if (decision.kind === "allow") return "allow";
  return decision.refusal.kind === "errno" ? decision.refusal.errno : "?";
}

const POLICY = `
write:
  allow: [/w]
  deny: [/w/shut]
net:
  connect:
    allow:
      - "10.0.0.0/8:443"
      - "127.0.0.1:8000-8100"
      - "[2001:db8::]/32:443"
      - "[fe80::1%eth0]:80"
      - "*:53"
      - "unix:/run/*.sock"
      - "unix:/w"
      - "unix:@dbus-*"
    deny: ["10.1.0.0/16", {address: "10.2.0.1", errno: EHOSTUNREACH}, "unix:/run/x.sock"]
    ignore: ["10.3.0.0/16", "unix:/run/y.sock", "unix:@dbus-no"]
  listen:
    allow: ["127.0.0.1:0", "[::1]:8080", "*:9000-9010", "0.0.0.0:80", "unix:/w/made", "unix:/made"]
    deny: ["10.0.0.5:9001", "[::1]:9002"]
    ignore: ["127.0.0.9:9003"]
`;

const CASES: readonly (readonly [NetAccess, string, string])[] = [
  ["connect", "10.9.9.9:443", "allow"],
  ["connect", "10.9.9.9:80", "EACCES"],
  ["connect", "11.0.0.1:443", "EACCES"],
  ["connect", "10.1.0.1:443", "EACCES"],
  ["connect", "10.2.0.1:443", "EHOSTUNREACH"],
  ["connect", "10.3.0.1:443", "ECONNREFUSED"],
  ["connect", "127.0.0.1:8000", "allow"],
  ["connect", "127.0.0.1:8100", "allow"],
  ["connect", "127.0.0.1:7999", "EACCES"],
  ["connect", "127.0.0.1:8101", "EACCES"],
  ["connect", "[2001:db8:1::1]:443", "allow"],
  ["connect", "[2001:db9::1]:443", "EACCES"],
  ["connect", "[fe80::1%2]:80", "allow"],
  ["connect", "[fe80::1%3]:80", "EACCES"],
  ["connect", "[fe80::1]:80", "EACCES"],
  ["connect", "192.0.2.1:53", "allow"],
  ["connect", "[2001:db9::1]:53", "allow"],
  ["connect", "10.1.0.1:53", "EACCES"],
  ["connect", "unix:/run/a.sock", "allow"],
  ["connect", "unix:/run/a/b.sock", "EACCES"],
  ["connect", "unix:/run/x.sock", "EACCES"],
  ["connect", "unix:/run/y.sock", "ENOENT"],
  ["connect", "unix:/w/a", "allow"],
  ["connect", "unix:/w/shut/a", "EACCES"],
  ["connect", "unix:@dbus-1", "allow"],
  ["connect", "unix:@dbus-no", "ECONNREFUSED"],
  ["connect", "unix:@other", "EACCES"],
  ["listen", "127.0.0.1:0", "allow"],
  ["listen", "127.0.0.1:8000", "EACCES"],
  ["listen", "127.0.0.2:0", "EACCES"],
  ["listen", "[::1]:8080", "allow"],
  ["listen", "[::]:8080", "EACCES"],
  ["listen", "0.0.0.0:80", "allow"],
  ["listen", "10.0.0.1:80", "EACCES"],
  ["listen", "0.0.0.0:9000", "allow"],
  ["listen", "[::]:9000", "allow"],
  // Who listens on all addresses listens on those that are refused.
  ["listen", "0.0.0.0:9001", "EACCES"],
  ["listen", "[::]:9001", "EACCES"],
  ["listen", "0.0.0.0:9002", "allow"],
  ["listen", "[::]:9002", "EACCES"],
  ["listen", "10.0.0.4:9001", "allow"],
  ["listen", "10.0.0.5:9001", "EACCES"],
  ["listen", "127.0.0.9:9003", "EADDRNOTAVAIL"],
  ["listen", "unix:/w/made", "allow"],
  ["listen", "unix:/w/other", "EACCES"],
  ["listen", "unix:/made", "EACCES"], // nothing may be written there
  ["listen", "unix:@x", "EACCES"],
];

for (const [access, text, want] of CASES) {
  Deno.test(`decide() says ${want} to ${access} ${text}`, async () => {
    assertEquals(ask(await engineOf(POLICY), access, text), want);
  });
}

Deno.test("decide() judges the address of a socket that only names it, and is quiet where it refuses", async () => {
  const engine = await engineOf(`default: kill
net:
  connect:
    allow: ["10.0.0.0/8:443", "a.example:443"]
    deny: ["10.1.0.0/16", "10.2.0.0/16:443", {address: 10.3.0.1, errno: EHOSTUNREACH}]
    ignore: ["10.4.0.0/16"]
`);
  const one = (address: string, portless: boolean): string => {
    const endpoint = endpointOf(`${address}:0`);
    const decision = engine.decide({
      name: "connect",
      uses: [],
      net: [{ access: "connect", endpoint, portless }],
    });
    if (decision.kind === "allow") return "allow";
    const { quiet, refusal, uncovered } = decision;
    const how = refusal.kind === "errno" ? refusal.errno : refusal.kind;
    return `${quiet ? "quiet " : ""}${how}${uncovered ? ", to be asked" : ""}`;
  };
  for (
    const [address, said] of [
      ["10.9.9.9", "allow"],
      ["10.1.0.1", "quiet EACCES"],
      ["10.2.0.1", "allow"],
      ["10.3.0.1", "quiet EHOSTUNREACH"],
      ["10.4.0.1", "quiet ECONNREFUSED"],
      ["11.0.0.1", "quiet EACCES"],
    ] as const
  ) assertEquals(one(address, true), said, address);
  assertEquals(one("10.9.9.9", false), "kill, to be asked");
  const endpoint = { ...endpointOf("192.0.2.1:0"), names: ["a.example"] };
  assertEquals(
    engine.decide({
      name: "connect",
      uses: [],
      net: [{ access: "connect", endpoint, portless: true }],
    }).kind,
    "allow",
  );
});

Deno.test("decide() lets a rule about no address mean the loopback, to connect", async () => {
  const engine = await engineOf(`net: ["0.0.0.0:80", "[::]:80"]`);
  assertEquals(ask(engine, "connect", "127.0.0.1:80"), "allow");
  assertEquals(ask(engine, "connect", "[::1]:80"), "allow");
  assertEquals(ask(engine, "connect", "10.0.0.1:80"), "EACCES");
  assertEquals(ask(engine, "listen", "0.0.0.0:80"), "allow");
  assertEquals(ask(engine, "listen", "127.0.0.1:80"), "EACCES");
});

Deno.test("decide() takes localhost for 127.0.0.1 where it allows, and for all of them where it refuses", async () => {
  const engine = await engineOf("net: [localhost]");
  assertEquals(ask(engine, "connect", "127.0.0.1:80"), "allow");
  assertEquals(ask(engine, "connect", "[::1]:80"), "allow");
  assertEquals(ask(engine, "connect", "127.0.0.2:80"), "EACCES");
  const other = await engineOf(`net: {allow: ["*"], deny: [localhost]}`);
  assertEquals(ask(other, "connect", "127.0.0.2:80"), "EACCES");
  assertEquals(ask(other, "connect", "10.0.0.2:80"), "allow");
});

Deno.test("decide() lets no socket be reached that may not be read, where no rule of net names it", async () => {
  const files = `write: [/run]\nread: {deny: [/run/a], ignore: [/run/b]}`;
  const reach = (engine: Engine, path: string): string => {
    const decision = engine.decide({
      name: "connect",
      uses: [{ access: "write", path, kind: "socket" }],
      net: [{ access: "connect", endpoint: endpointOf(`unix:${path}`) }],
    });
    return word(decision);
  };
  const engine = await engineOf(`${files}\nnet: true`);
  assertEquals(reach(engine, "/run/a"), "EACCES");
  assertEquals(reach(engine, "/run/b"), "ENOENT");
  assertEquals(reach(engine, "/run/c"), "allow");
  const named = await engineOf(`${files}\nnet: {connect: ["unix:/run/a"]}`);
  assertEquals(reach(named, "/run/a"), "allow");
});

Deno.test("decide() lets no socket be reached that may not be read, where a rule of net names what is around it", async () => {
  const files = `read: {allow: [/], deny: [/run/a, "/**/.g/**"], ignore: [/v]}`;
  for (
    const [rules, path, expected] of [
      ['"unix:/run"', "/run/a", "EACCES"],
      ['"unix:/run/*"', "/run/a", "EACCES"],
      ['"unix:/run"', "/run/b", "allow"],
      ['"unix:/run"', "/run/.g/s", "EACCES"],
      ['"unix:/run/a", "unix:/run"', "/run/a", "allow"],
      ['"unix:/run/.g"', "/run/.g/s", "allow"],
      ['"unix:/v/w"', "/v/w/s", "ENOENT"],
      ['"unix:/"', "/v/w/s", "ENOENT"],
    ] as const
  ) {
    const engine = await engineOf(`${files}\nnet: {connect: [${rules}]}`);
    for (const kind of ["socket", "missing"] as const) {
      const decision = engine.decide({
        name: "connect",
        uses: [{ access: "write", path, kind }],
        net: [{
          access: "connect",
          endpoint: { family: "unix", path, kind },
        }],
      });
      assertEquals([rules, path, word(decision)], [rules, path, expected]);
    }
  }
});

Deno.test("decide() tells of no socket by how it refuses to reach one that may not be read", async () => {
  const files = `write: [/drop]\nread: {deny: [/run]}\ndefault: EPERM`;
  for (const net of ["true", "{allow: true, deny: [169.254.169.254]}"]) {
    const engine = await engineOf(`${files}\nnet: ${net}`);
    for (const kind of ["missing", "file", "socket"] as const) {
      for (const name of ["connect", "bind"] as const) {
        const path = "/run/a";
        const decision = engine.decide({
          name,
          uses: [{ access: "write", path, kind }],
          net: [{
            access: name === "bind" ? "listen" : "connect",
            endpoint: { family: "unix", path, kind },
          }],
        });
        assertEquals([kind, name, word(decision)], [kind, name, "EPERM"]);
      }
    }
  }
});

Deno.test("decide() lets no socket be reached that may not be read, though it is only about to be there", async () => {
  const files = "write: true\nread: {allow: true, deny: [/run/a]}";
  for (const net of ["true", "{allow: true, deny: [169.254.169.254]}"]) {
    const engine = await engineOf(`${files}\nnet: ${net}`);
    const decide = (call: Call["name"], kind: FileKind): string => {
      const path = "/run/a";
      const access = call === "bind" ? "listen" : "connect";
      return word(
        engine.decide({
          name: call,
          uses: [{ access: "write", path, kind }],
          net: [{ access, endpoint: { family: "unix", path, kind } }],
        }),
      );
    };
    for (const kind of ["missing", "file", "socket"] as const) {
      for (const call of ["connect", "sendto", "sendmsg"] as const) {
        const said = decide(call, kind);
        assertEquals([net, call, kind, said], [net, call, kind, "EACCES"]);
      }
    }
    assertEquals(decide("bind", "missing"), "allow");
  }
});

Deno.test("decide() lets no socket be reached that may not be read, where all is allowed but an address", async () => {
  const engine = await engineOf(`write: true
read: {allow: true, deny: [/run/a]}
net: {allow: true, deny: [169.254.169.254]}`);
  const decide = (
    call: Call["name"],
    access: NetAccess,
    path: string,
  ): string =>
    word(
      engine.decide({
        name: call,
        uses: [{ access: "write", path, kind: "socket" }],
        net: [{ access, endpoint: endpointOf(`unix:${path}`) }],
      }),
    );
  assertEquals(decide("connect", "connect", "/run/a"), "EACCES");
  assertEquals(decide("sendto", "connect", "/run/a"), "EACCES");
  assertEquals(decide("connect", "connect", "/run/b"), "allow");
  assertEquals(decide("bind", "listen", "/run/b"), "allow");
});

Deno.test("decide() moves no socket from where it may not be read to where it could be reached", async () => {
  const move = (engine: Engine, from: string, to: string): string =>
    word(
      engine.decide({
        name: "rename",
        uses: [
          { access: "write", path: from, kind: "socket" },
          { access: "write", path: to, kind: "missing" },
        ],
        moves: [{ from, to, tree: false }],
      }),
    );
  for (const net of ["true", "{allow: true, deny: [169.254.169.254]}"]) {
    const engine = await engineOf(`write: [/run, /drop]
read: {deny: [/run/a, /drop/a]}
net: ${net}`);
    assertEquals(move(engine, "/run/a", "/drop/b"), "EACCES");
    assertEquals(move(engine, "/run/a", "/drop/a"), "allow");
    assertEquals(move(engine, "/run/b", "/drop/b"), "allow");
  }
});

Deno.test("decide() moves no socket that is closed to be read to where a rule of net means those that are", async () => {
  const engine = await engineOf(`write: [/w]
read: {allow: [/w], deny: [/w/shut, /w/keys]}
net: ["unix:/w", "unix:/w/shut"]`);
  const reach = (path: string): string =>
    word(
      engine.decide({
        name: "connect",
        uses: [{ access: "write", path, kind: "socket" }],
        net: [{ access: "connect", endpoint: endpointOf(`unix:${path}`) }],
      }),
    );
  const move = (kind: "directory" | "socket", from: string, to: string) =>
    word(
      engine.decide({
        name: "rename",
        uses: [
          { access: "write", path: from, kind },
          { access: "write", path: to, kind: "missing" },
        ],
        moves: [{ from, to, tree: kind === "directory" }],
      }),
    );
  assertEquals(reach("/w/keys/agent"), "EACCES");
  assertEquals(reach("/w/shut/agent"), "allow");
  assertEquals(move("socket", "/w/keys/agent", "/w/shut/agent"), "EACCES");
  assertEquals(move("directory", "/w/keys/sub", "/w/shut/sub"), "EXDEV");
  assertEquals(move("socket", "/w/shut/agent", "/w/shut/other"), "allow");
  assertEquals(move("directory", "/w/shut/sub", "/w/shut/other"), "allow");
  assertEquals(move("socket", "/w/agent", "/w/other"), "allow");
  assertEquals(move("directory", "/w/sub", "/w/other"), "allow");
});

Deno.test("decide() takes localhost for itself, whatever the case of its letters", async () => {
  for (const spelt of ["LOCALHOST", "Localhost.", "localhost.:80"]) {
    const engine = await engineOf(`net: {allow: ["*"], deny: ["${spelt}"]}`);
    assertEquals(ask(engine, "connect", "127.0.0.1:80"), "EACCES", spelt);
    assertEquals(ask(engine, "listen", "127.0.0.1:80"), "EACCES", spelt);
  }
});

Deno.test("decide() refuses a port of the kernel's choice where it could be one that is denied", async () => {
  for (
    const [denied, want] of [["127.0.0.1:22", "allow"], [
      "127.0.0.1:40000",
      "EACCES",
    ], ["127.0.0.1", "EACCES"]]
  ) {
    const engine = await engineOf(
      `net: {allow: ["127.0.0.1"], deny: ["${denied}"]}`,
    );
    assertEquals(ask(engine, "listen", "127.0.0.1:0"), want);
  }
});

Deno.test("decide() gives who sends or connects a port, unless that is denied", async () => {
  const engine = await engineOf(`net: {connect: ["*:53"]}`);
  assertEquals(ask(engine, "listen", "0.0.0.0:0", true), "allow");
  assertEquals(ask(engine, "listen", "0.0.0.0:0"), "EACCES");
  const denied = await engineOf(
    `net: {connect: ["*:53"], listen: {deny: true}}`,
  );
  assertEquals(ask(denied, "listen", "0.0.0.0:0", true), "EACCES");
});

Deno.test("decide() takes true in a rule for what files allow of unix sockets", async () => {
  const engine = await engineOf(
    `{write: [/w], net: {connect: {allow: true, deny: ["10.0.0.1"]}, listen: true}}`,
  );
  assertEquals(ask(engine, "connect", "1.2.3.4:5"), "allow");
  assertEquals(ask(engine, "connect", "10.0.0.1:5"), "EACCES");
  assertEquals(ask(engine, "connect", "unix:/w/a"), "allow");
  assertEquals(ask(engine, "connect", "unix:/run/a"), "EACCES");
  assertEquals(ask(engine, "connect", "unix:@a"), "EACCES");
  const all = await engineOf(
    `{write: true, net: {connect: {allow: true, deny: ["10.0.0.1"]}}}`,
  );
  assertEquals(ask(all, "connect", "unix:@a"), "allow");
});

Deno.test("decide() refuses as the policy's default says where no rule does", async () => {
  const engine = await engineOf(
    `{net: {allow: ["127.0.0.1"], deny: ["127.0.0.1:1"]}, default: EPERM}`,
  );
  assertEquals(ask(engine, "connect", "1.2.3.4:5"), "EPERM");
  assertEquals(ask(engine, "connect", "127.0.0.1:1"), "EACCES");
});

Deno.test("decide() tells which of several ends was refused", async () => {
  const engine = await engineOf(`net: ["127.0.0.1:1"]`);
  const decision = engine.decide({
    name: "sendmmsg",
    uses: [],
    net: ["127.0.0.1:1", "127.0.0.1:2"].map((text) => ({
      access: "connect",
      endpoint: endpointOf(text),
    })),
  });
  assertEquals(decision.kind === "refuse" ? decision.end : undefined, 1);
});

Deno.test("decide() lets netlink ask the kernel alone, where it is named", async () => {
  for (
    const [sockets, port, want] of [
      ["[netlink]", 0, "allow"],
      ["[netlink]", 7, "refuse"],
      ["[inet]", 0, "refuse"],
    ] as const
  ) {
    const engine = await engineOf(`net: {sockets: ${sockets}}`);
    const endpoint = { family: "netlink", port, groups: 0 } as const;
    const net = [{ access: "connect", endpoint }] as const;
    assertEquals(engine.decide({ name: "sendto", uses: [], net }).kind, want);
  }
});

Deno.test("compile() refuses a rule with an interface that is not there", async () => {
  const policy = await policyOf(`net: ["[fe80::1%eth9]:80"]`);
  assertThrows(() => compile(policy), PolicyError, `no interface "eth9"`);
});

const MERGED: readonly (readonly [string, readonly string[], string])[] = [
  ["nothing said", ["read: [/a]"], "none"],
  ["true", ["net: true"], "all"],
  ["false after true", ["net: true", "net: false"], "none"],
  ["a list after true", ["net: true", `net: ["1.2.3.4"]`], "all"],
  ["false after a list", [`net: ["1.2.3.4"]`, "net: false"], "none"],
  ["true after a list", [`net: ["1.2.3.4"]`, "net: true"], "all"],
  ["true after a deny", [`net: {deny: ["1.2.3.4"]}`, "net: true"], "rules"],
  ["all denied", ["net: true", "net: {deny: true}"], "none"],
  ["an empty list", ["net: []"], "none"],
];

for (const [name, texts, want] of MERGED) {
  Deno.test(`mergeLayers() makes ${want} of ${name}`, async () => {
    const { net } = await policyOf(...texts);
    assertEquals(typeof net === "string" ? net : "rules", want);
  });
}

for (const [rule, bits] of [["0.0.0.0", 32], ["0.0.0.0/0", 0]] as const) {
  Deno.test(`sourcesOf() refuses by ${rule} no more than it means of where one listens`, async () => {
    const { net } = await policyOf(
      `net: {listen: {allow: ["127.0.0.1:53"], deny: ["${rule}"]}}`,
    );
    if (typeof net === "string") throw new Error("no rules");
    const { refuse, allow } = sourcesOf(net).destination;
    assertEquals(refuse.map((one) => one.bits), [bits]);
    assertEquals(allow.map((one) => one.bits), [32]);
  });
}

Deno.test("socketFamilies() opens what rules are about, or what is named", async () => {
  for (
    const [net, want] of [
      [`["1.2.3.4"]`, ["inet", "inet6"]],
      [`["[::1]"]`, ["inet6"]],
      [`["example.org"]`, ["inet", "inet6"]],
      [`["unix:/run/x"]`, ["unix"]],
      [`{connect: ["1.2.3.4"], sockets: [inet]}`, ["inet"]],
      [`{sockets: [netlink, unix]}`, ["netlink", "unix"]],
    ] as const
  ) {
    const policy = await policyOf(`net: ${net}`);
    if (typeof policy.net === "string") throw new Error(policy.net);
    assertEquals([...socketFamilies(policy.net)], [...want]);
  }
});

Deno.test("netFloor() holds the ports of TCP where they can be counted", async () => {
  const floor = netFloor(
    await policyOf(
      `net: {connect: ["10.0.0.1:443", "*:80-81", "a.org:82"], listen: ["127.0.0.1:0"]}`,
    ),
    7,
  );
  assertEquals(floor.handledNet, 3);
  assertEquals(floor.ports, [
    { port: 0, access: 1 },
    { port: 80, access: 2 },
    { port: 81, access: 2 },
    { port: 82, access: 2 },
    { port: 443, access: 2 },
  ]);
  const open = netFloor(
    await policyOf(`net: {connect: ["10.0.0.1"], listen: ["*:1-5000"]}`),
    7,
  );
  assertEquals(open.handledNet, 0);
  assertEquals(netFloor(await policyOf(`net: ["*:1"]`), 3).handledNet, 0);
});

Deno.test("needsSources() filters datagrams unless all may come", async () => {
  for (
    const [net, want] of [
      [`["1.2.3.4:53"]`, true],
      [`{connect: ["*"]}`, false],
      [`{connect: ["*:53"]}`, true],
      [`{connect: {allow: ["*"], deny: ["1.2.3.4"]}}`, true],
      [`{connect: ["1.2.3.4"], listen: true}`, false],
    ] as const
  ) {
    const policy = await policyOf(`net: ${net}`);
    if (typeof policy.net === "string") throw new Error(policy.net);
    assertEquals(needsSources(policy.net), want, net);
  }
});

const WRONG: readonly (readonly [string, string])[] = [
  ["net: {connect: 3}", "a map of allow, deny and ignore"],
  ["net: {conect: []}", "unknown key"],
  ["net: x", "must be true, false, a list"],
  ["net: [3]", "an address is expected"],
  [
    "net: {allow: [{address: '1.2.3.4', errno: EPERM}]}",
    `only a rule in "deny"`,
  ],
  ["net: {deny: [{errno: EPERM}]}", `"address" is missing`],
  ["net: {sockets: [inet5]}", "unknown family"],
  ["net: {sockets: [packet]}", "stay closed"],
  ["net: {sockets: [alg]}", "stay closed"],
  ["net: {connect: ['[::1]'], sockets: [inet]}", "no socket"],
  ["net: {connect: ['unix:run/x']}", "must be absolute"],
];

for (const [text, want] of WRONG) {
  Deno.test(`parsePolicy() refuses ${text}`, async () => {
    await assertRejects(() => policyOf(text), PolicyError, want);
  });
}

Deno.test("endpointText() writes addresses as they are written in policies", () => {
  for (
    const text of [
      "10.0.0.1:443",
      "[::1]:80",
      "[::]:0",
      "[2001:db8::1:0:0:1]:1",
      "[1:2:3:4:5:6:7:8]:9",
      "[1:0:3:4:5:6:7:8]:9",
      "[fe80::1%2]:80",
    ]
  ) {
    assertEquals(endpointText(endpointOf(text)), text);
  }
  assertEquals(endpointText(endpointOf("unix:/a\n")), `unix:"/a\\n"`);
  assertEquals(endpointText(endpointOf("unix:@\x1b")), `unix:"@\\x1b"`);
});

Deno.test("decide() refuses a socket by a way through what may not be seen", async () => {
  const engine = await engineOf(
    'read: [/open]\nnet: {connect: ["unix:/run/x.sock"]}',
  );
  const through = (path: string): unknown =>
    engine.decide({
      name: "connect",
      uses: [{ access: "stat", path, kind: "directory" }],
      moves: [],
      net: [{ access: "connect", endpoint: endpointOf("unix:/run/x.sock") }],
    }).kind;
  assertEquals(through("/open"), "allow");
  assertEquals(through("/closed"), "refuse");
});

const SOCKETS = `
write: [/w, /v]
net:
  connect: {allow: ["unix:/w/own/s", "unix:/w/**/any"], deny: ["unix:/v/shut"]}
  listen: ["unix:/w/made/**"]
`;

for (
  const [from, to, kind, expected] of [
    ["/w/x", "/w/own/s", "socket", "EACCES"],
    ["/w/x", "/w/own/s", "file", "allow"],
    ["/w/x", "/w/y", "socket", "allow"],
    ["/w/own/s", "/w/y", "socket", "allow"],
    ["/w/a/any", "/w/b/any", "socket", "allow"],
    ["/w/made/s", "/w/y", "socket", "EACCES"],
    ["/w/made/s", "/w/made/t", "socket", "allow"],
    ["/w/x", "/w/own", "directory", "EXDEV"],
    ["/w/own", "/w/x", "directory", "allow"],
    ["/w/made", "/w/x", "directory", "EXDEV"],
    ["/w/made/a", "/w/made/b", "directory", "allow"],
    ["/w/a", "/w/b", "directory", "allow"],
    ["/v/a", "/w/b", "directory", "EXDEV"],
  ] as const
) {
  Deno.test(`decide() says ${expected} to a move of a ${kind} from ${from} to ${to}`, async () => {
    const decision = (await engineOf(SOCKETS)).decide({
      name: "rename",
      uses: [
        { access: "write", path: from, kind },
        { access: "write", path: to, kind: "missing" },
      ],
      moves: [{ from, to, tree: kind === "directory" }],
    });
    assertEquals(
      decision.kind === "refuse" && decision.refusal.kind === "errno"
        ? decision.refusal.errno
        : decision.kind,
      expected,
    );
  });
}

for (
  const [path, expected] of [
    ["/w/own/s", "EACCES"],
    ["/w/own", "EACCES"],
    ["/v/shut", "EACCES"],
    ["/w/own/t", "allow"],
    ["/w/x", "allow"],
  ] as const
) {
  Deno.test(`decide() says ${expected} to a symbolic link at ${path}, by rules for sockets`, async () => {
    const decision = (await engineOf(SOCKETS)).decide({
      name: "symlink",
      uses: [{ access: "write", path, kind: "missing" }],
    });
    assertEquals(
      decision.kind === "refuse" && decision.refusal.kind === "errno"
        ? decision.refusal.errno
        : decision.kind,
      expected,
    );
  });
}

Deno.test("decide() lets a directory move where every socket may be reached", async () => {
  const engine = await engineOf(
    `write: [/w]\nnet: {connect: {allow: true, deny: ["10.0.0.1"]}, listen: true}\n`,
  );
  const decision = engine.decide({
    name: "rename",
    uses: [{ access: "write", path: "/w/a", kind: "directory" }],
    moves: [{ from: "/w/a", to: "/w/b", tree: true }],
  });
  assertEquals(decision.kind, "allow");
});
