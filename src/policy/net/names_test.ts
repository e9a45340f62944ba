import { assertEquals } from "@std/assert";
import { compile } from "../compile.ts";
import type { Engine } from "../decide.ts";
import { parsePolicy } from "../file/parse.ts";
import { mergeLayers } from "../merge.ts";
import { type Endpoint, endpointText } from "./endpoint.ts";

async function engineOf(text: string): Promise<Engine> {
  const layer = await parsePolicy(text, { source: "p.yaml", variables: {} });
  return compile(mergeLayers([layer]));
}

function ask(engine: Engine, endpoint: Endpoint): string {
  const decision = engine.decide({
    name: "connect",
    uses: [],
    net: [{ access: "connect", endpoint }],
  });
  if (decision.kind === "allow") return "allow";
  assertEquals(
    decision.uncovered,
    endpoint.family === "name" ? undefined : decision.uncovered,
  );
  return decision.refusal.kind === "errno" ? decision.refusal.errno : "kill";
}

/** `10.0.0.1:443 a.org b.org`: an address and the names that it is known by. */
function known(text: string): Endpoint {
  const [address = "", ...names] = text.split(" ");
  const [host = "", port] = address.split(":");
  return {
    family: "inet",
    address: host.split(".").map(Number),
    port: Number(port),
    ...names.length === 0 ? {} : { names },
  };
}

const RESOLVER: Endpoint = {
  family: "inet",
  address: [10, 0, 0, 53],
  port: 53,
};

const POLICY = `
net:
  connect:
    allow: ["*.example.org:443", "www.example.net", "db:5432", "10.2.0.0/16:80"]
    deny: ["evil.example.org", "10.1.0.0/16", "port.example.org:1-500"]
    ignore: ["hidden.example.org"]
`;

const CONNECTS: readonly (readonly [string, string])[] = [
  ["10.0.0.1:443", "EACCES"],
  ["10.0.0.1:443 a.example.org", "allow"],
  ["10.0.0.1:443 a.b.example.org", "allow"],
  ["10.0.0.1:443 example.org", "allow"],
  ["10.0.0.1:80 a.example.org", "EACCES"],
  ["10.0.0.1:443 badexample.org", "EACCES"],
  ["10.0.0.1:443 example.org.evil.net", "EACCES"],
  ["10.0.0.1:80 www.example.net", "allow"],
  ["10.0.0.1:80 a.www.example.net", "EACCES"],
  ["10.0.0.1:5432 db", "allow"],
  ["10.0.0.1:443 evil.example.org", "EACCES"],
  ["10.0.0.1:443 hidden.example.org", "ECONNREFUSED"],
  // Nobody can tell which of the names is meant.
  ["10.0.0.1:443 evil.example.org a.example.org", "allow"],
  ["10.0.0.1:443 port.example.org", "EACCES"],
  // An address that is refused is, whatever its names.
  ["10.1.0.1:443 a.example.org", "EACCES"],
  ["10.2.0.1:80", "allow"],
  ["10.2.0.1:80 a.example.org", "allow"],
  ["10.2.0.1:80 evil.example.org", "EACCES"],
];

for (const [text, want] of CONNECTS) {
  Deno.test(`decide() says ${want} to a connection to ${text}`, async () => {
    assertEquals(ask(await engineOf(POLICY), known(text)), want);
  });
}

const QUESTIONS: readonly (readonly [string, string])[] = [
  ["a.example.org", "allow"],
  ["example.org", "allow"],
  ["db", "allow"],
  ["evil.example.org", "EACCES"],
  ["hidden.example.org", "ENOENT"],
  ["port.example.org", "EACCES"],
  ["example.net", "ENOENT"],
  ["secret.evil.net", "ENOENT"],
];

for (const [name, want] of QUESTIONS) {
  Deno.test(`decide() says ${want} to a question for ${name}`, async () => {
    const endpoint = { family: "name", name, resolver: RESOLVER } as const;
    assertEquals(ask(await engineOf(POLICY), endpoint), want);
  });
}

Deno.test("decide() refuses names as the policy's default says", async () => {
  const engine = await engineOf(`net: ["a.org"]\ndefault: EPERM`);
  assertEquals(ask(engine, { family: "name", name: "b.org" }), "EPERM");
});

Deno.test("decide() lets every name be asked for where the resolver may be talked to", async () => {
  const text = (resolver: string): string =>
    `net: {connect: {allow: ["a.org", "${resolver}"], deny: ["b.org", "c.org:25"]}}`;
  const endpoint = (name: string): Endpoint => ({
    ...{ family: "name", name, resolver: RESOLVER },
  });
  const open = await engineOf(text("10.0.0.53:53"));
  assertEquals(
    ["a.org", "b.org", "c.org", "d.org"].map((name) =>
      ask(open, endpoint(name))
    ),
    ["allow", "EACCES", "allow", "allow"],
  );
  const shut = await engineOf(text("10.0.0.54:53"));
  assertEquals(ask(shut, endpoint("d.org")), "ENOENT");
});

Deno.test("decide() lets the resolver be reached where rules allow names, whatever is said of its address", async () => {
  const resolver = { ...RESOLVER, resolver: true };
  const named = await engineOf(
    `net: {connect: {allow: ["a.org"], deny: ["10.0.0.0/8"]}}`,
  );
  assertEquals(ask(named, resolver), "allow");
  assertEquals(ask(named, RESOLVER), "EACCES");
  const refusing = await engineOf(
    `net: {connect: {allow: ["10.1.0.0/16"], deny: ["a.org"]}}`,
  );
  assertEquals(ask(refusing, resolver), "EACCES");
});

Deno.test("decide() hides what finds names by itself, unless a rule names it", async () => {
  const socket = (path: string): Endpoint => ({
    ...{ family: "unix", path, kind: "socket" },
  });
  const paths = [
    "/run/nscd/socket",
    "/var/run/nscd/socket",
    "/run/systemd/resolve/io.systemd.Resolve",
    "/run/other",
  ];
  const named = await engineOf(
    `write: [/run, /var/run]\nnet: {connect: {allow: true, deny: ["a.org"]}}`,
  );
  assertEquals(paths.map((path) => ask(named, socket(path))), [
    ...["ENOENT", "ENOENT", "ENOENT", "allow"],
  ]);
  const allowed = await engineOf(
    `net: {connect: ["a.org", "unix:/run/nscd/socket"]}`,
  );
  assertEquals(ask(allowed, socket("/run/nscd/socket")), "allow");
  const plain = await engineOf(
    `write: [/run]\nnet: {connect: {allow: true, deny: ["1.2.3.4"]}}`,
  );
  assertEquals(ask(plain, socket("/run/nscd/socket")), "allow");
});

Deno.test("decide() is quiet about what finds names by itself", async () => {
  const path = "/run/nscd/socket";
  const said = async (
    text: string,
    name: "connect" | "unlink",
  ): Promise<unknown> => {
    const decision = (await engineOf(text)).decide({
      name,
      uses: [{ access: "write", path, kind: "missing" }],
      ...name === "connect"
        ? {
          net: [{
            access: "connect",
            endpoint: { family: "unix", path, kind: "missing" },
          }],
        }
        : {},
    });
    if (decision.kind === "allow") return "allow";
    const { quiet, refusal, uncovered } = decision;
    return [refusal.kind === "errno" && refusal.errno, quiet, uncovered];
  };
  const absent = ["ENOENT", true, undefined];
  assertEquals(await said("default: kill\nnet: true", "connect"), absent);
  assertEquals(await said(`net: {connect: ["a.org"]}`, "connect"), absent);
  const closed = "write: {deny: [/run]}\nnet: true";
  assertEquals(await said(closed, "connect"), ["EACCES", undefined, undefined]);
  assertEquals(await said("net: true", "unlink"), ["EACCES", undefined, true]);
  assertEquals(await said("net: true\nwrite: [/run]", "connect"), "allow");
});

Deno.test("endpointText() tells the names of an address", () => {
  assertEquals(
    endpointText(known("10.0.0.1:443 a.org b.org")),
    "10.0.0.1:443 (a.org, b.org)",
  );
  assertEquals(endpointText({ family: "name", name: "a.org" }), "dns:a.org");
});
