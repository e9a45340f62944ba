import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { GlobError } from "../path/glob.ts";
import { type NetPattern, parseNet } from "./pattern.ts";

function patterns(text: string): readonly NetPattern[] {
  return parseNet(text, (path) => path);
}

/** `10.0.0.0/8 443-443`, or the kind and the pattern. */
function words(pattern: NetPattern): string {
  switch (pattern.kind) {
    case "all":
      return "all";
    case "any":
      return `any ${pattern.ports.first}-${pattern.ports.last}`;
    case "address": {
      const { address, bits, zone, ports } = pattern;
      const end = zone === "" ? "" : ` %${zone}`;
      return `${address.join(".")}/${bits} ${ports.first}-${ports.last}${end}`;
    }
    case "name": {
      const { name, wildcard, ports } = pattern;
      return `name ${wildcard ? "*." : ""}${name} ${ports.first}-${ports.last}`;
    }
    case "unix":
    case "abstract":
      return `${pattern.kind} ${pattern.pattern}`;
  }
}

const LOOPBACK6 = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1/128";

const READ: readonly (readonly [string, ...string[]])[] = [
  ["10.0.0.0/8:443", "10.0.0.0/8 443-443"],
  ["127.0.0.1:8080", "127.0.0.1/32 8080-8080"],
  ["127.0.0.1", "127.0.0.1/32 0-65535"],
  ["0.0.0.0/0", "0.0.0.0/0 0-65535"],
  ["192.0.2.7:8000-8100", "192.0.2.7/32 8000-8100"],
  ["127.0.0.1:0", "127.0.0.1/32 0-0"],
  ["[::1]:80", `${LOOPBACK6} 80-80`],
  ["[::1]", `${LOOPBACK6} 0-65535`],
  [
    "[2001:DB8::]/32:443",
    "32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.0/32 443-443",
  ],
  [
    "[fe80::1%eth0]:80",
    "254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.1/128 80-80 %eth0",
  ],
  ["[fe80::%2]/10", "254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.0/10 0-65535 %2"],
  ["[::ffff:10.0.0.1]:443", "10.0.0.1/32 443-443"],
  ["[::ffff:a00:1]:443", "10.0.0.1/32 443-443"],
  ["[::ffff:10.0.0.0]/104", "10.0.0.0/8 0-65535"],
  ["[::10.0.0.1]", "0.0.0.0.0.0.0.0.0.0.0.0.10.0.0.1/128 0-65535"],
  ["[1:2:3:4:5:6:7:8]", "0.1.0.2.0.3.0.4.0.5.0.6.0.7.0.8/128 0-65535"],
  ["[1::8]", "0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.8/128 0-65535"],
  ["*:443", "any 443-443"],
  ["*", "any 0-65535"],
  ["localhost:80", "127.0.0.1/32 80-80", `${LOOPBACK6} 80-80`],
  ["LocalHost.:80", "127.0.0.1/32 80-80", `${LOOPBACK6} 80-80`],
  ["example.org:443", "name example.org 443-443"],
  ["Example.ORG.", "name example.org 0-65535"],
  ["*.example.org:80-90", "name *.example.org 80-90"],
  ["xn--bcher-kva.example", "name xn--bcher-kva.example 0-65535"],
  ["_ldap._tcp.example.org", "name _ldap._tcp.example.org 0-65535"],
  ["db:5432", "name db 5432-5432"],
  ["*.localhost", "name *.localhost 0-65535"],
  ["unix:/run/*.sock", "unix /run/*.sock"],
  ["unix:@dbus-*", "abstract dbus-*"],
  ["unix:@*", "abstract *"],
];

for (const [text, ...want] of READ) {
  Deno.test(`parseNet() reads ${text}`, () => {
    assertEquals(patterns(text).map(words), want);
  });
}

const REFUSED: readonly (readonly [string, string])[] = [
  ["", "has no address"],
  ["unix:@bus\\", "has nothing to act on"],
  ["example.org/8", "has no prefix"],
  ["foo*.example.org", `a "*" where none can be`],
  ["*.*.org", `a "*" where none can be`],
  ["bücher.example:443", "not how DNS writes the name"],
  ["a..example.org", "no name of a host"],
  [".example.org", "no name of a host"],
  ["example.org..", "no name of a host"],
  ["exam ple.org", "no name of a host"],
  ["example.org:http", "is no port"],
  [`${"a".repeat(64)}.org`, "no name of a host"],
  [`${"a.".repeat(126)}org`, "no name of a host"],
  ["example.1", "no name of a host"],
  ["https://example.org/", "is a URL"],
  ["::1", "needs brackets"],
  ["2001:db8::/32", "needs brackets"],
  ["fe80::1%eth0", "needs brackets"],
  [":8080", "has no address"],
  ["10.0.0.1/8", "bits beyond its prefix"],
  ["10.0.0.0/33", "no length of a prefix"],
  ["10.0.0.0/x", "no length of a prefix"],
  ["10.0.0.0/", "no length of a prefix"],
  ["[::]/129", "no length of a prefix"],
  ["[::ffff:0.0.0.0]/95", "cuts through"],
  ["10.0.0.1:65536", "is no port"],
  ["10.0.0.1:", "is no port"],
  ["10.0.0.1:http", "is no port"],
  ["10.0.0.1:*", "is no port"],
  ["10.0.0.1:9-8", "run backwards"],
  ["10.0.0.1:1:2", "is no address"],
  ["010.0.0.1", "no IPv4 address"],
  ["10.0.1", "no IPv4 address"],
  ["256.0.0.1", "no IPv4 address"],
  ["192.168.x.x:80", "would be the name of a host"],
  ["10.X", "would be the name of a host"],
  ["0x7f.1", "no name of a host"],
  ["127.0.0x1", "no name of a host"],
  ["[10.0.0.1]", "no IPv6 address"],
  ["[1::2::3]", "no IPv6 address"],
  ["[1:2:3:4:5:6:7:8:9]", "no IPv6 address"],
  ["[1:2:3:4:5:6:7::8]", "no IPv6 address"],
  ["[12345::]", "no IPv6 address"],
  ["[::1", "is no address"],
  ["[::1%eth0]", "not of one link"],
  ["[fe80::1%]", "names no interface"],
  ["[fe80::1%a/b]", "names no interface"],
  ["*/8", "has no prefix"],
  ["localhost/8", "has no prefix"],
  ["unix:", "names no socket"],
  ["unix:@", "names no socket"],
  ["unix:@a[", "is not closed"],
  ["a b", "is no address"],
];

for (const [text, want] of REFUSED) {
  Deno.test(`parseNet() refuses ${JSON.stringify(text)}`, () => {
    const error = assertThrows(() => patterns(text), GlobError);
    assertStringIncludes(error.message, want);
  });
}

Deno.test("parseNet() says how DNS writes a name with other letters", () => {
  const { hint } = assertThrows(() => patterns("*.bücher.example"), GlobError);
  assertEquals(hint, 'write "*.xn--bcher-kva.example"');
});
