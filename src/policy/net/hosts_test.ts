import { assertEquals } from "@std/assert";
import { hostName, isMeant } from "./host.ts";
import { namesByAddress, readHosts, readResolvers } from "./hosts.ts";

function resolvers(text: string): string[] {
  return readResolvers(text).map(({ address, zone }) =>
    zone === "" ? address.join(".") : `${address.join(".")}%${zone}`
  );
}

Deno.test("readResolvers() finds at most three, as the C library does", () => {
  const lines = ["10.0.0.1", "::1", "fe80::1%eth0", "10.0.0.4"].map((one) =>
    `nameserver ${one}`
  );
  assertEquals(resolvers(`search a.org\n${lines.join("\n")}\n`), [
    "10.0.0.1",
    "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1",
    "254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.1%eth0",
  ]);
});

Deno.test("readResolvers() passes over what names no address", () => {
  assertEquals(
    resolvers(
      "#nameserver 10.0.0.1\n;nameserver 10.0.0.2\nnameserver example.org\n" +
        "nameserver\nnameserver\t10.0.0.3 # mine\nnameserver ::ffff:10.0.0.5",
    ),
    ["10.0.0.3", "10.0.0.5"],
  );
});

Deno.test("readResolvers() takes no address for the loopback, as the kernel does", () => {
  assertEquals(resolvers("nameserver 0.0.0.0\nnameserver ::"), [
    "127.0.0.1",
    "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1",
  ]);
});

Deno.test("readResolvers() asks the loopback where no file names anybody", () => {
  assertEquals(resolvers(""), ["127.0.0.1"]);
});

Deno.test("readHosts() finds the names of each address", () => {
  const found = readHosts(
    "127.0.0.1 localhost\n::1\tip6.localhost Other # no.name\n" +
      "bad name\n10.0.0.1 a..b ok.\n# 10.0.0.2 c\n",
  );
  assertEquals(
    found.map(({ address, name }) => `${address.join(".")} ${name}`),
    [
      "127.0.0.1 localhost",
      "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1 ip6.localhost",
      "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1 other",
      "10.0.0.1 ok",
    ],
  );
});

Deno.test("hostName() writes a name in one way, or says that it is none", () => {
  for (
    const [text, want] of [
      ["Example.ORG.", "example.org"],
      ["a", "a"],
      ["", undefined],
      [".", undefined],
      ["a..b", undefined],
      ["a.b..", undefined],
      ["1.2.3.4", undefined],
      ["0x7f", undefined],
      ["a\0b", undefined],
      ["a b", undefined],
      ["a/b", undefined],
      ["\u212aelvin.org", undefined],
    ] as const
  ) {
    assertEquals(hostName(text), want, JSON.stringify(text));
  }
});

Deno.test("isMeant() takes a wildcard for the name and all beneath it, as Deno does", () => {
  const all = { name: "example.org", wildcard: true };
  for (
    const [name, want] of [
      ["example.org", true],
      ["a.example.org", true],
      ["a.b.example.org", true],
      ["notexample.org", false],
      ["org", false],
      ["example.org.net", false],
    ] as const
  ) {
    assertEquals(isMeant(all, name), want, name);
    assertEquals(
      isMeant({ ...all, wildcard: false }, name),
      name === "example.org",
    );
  }
});

Deno.test("namesByAddress() has all names of each address, however many there are", () => {
  const lines = Array.from(
    { length: 30_000 },
    (_, i) => `0.0.0.0 ads${i}.example.org`,
  );
  const found = namesByAddress(`::1 here\n${lines.join("\n")}\n::1 there\n`);
  assertEquals([...found.values()].map(({ length }) => length), [2, 30_000]);
});
