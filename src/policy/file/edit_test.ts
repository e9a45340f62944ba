import { assert, assertEquals, assertThrows } from "@std/assert";
import { hasRule, withRule } from "./edit.ts";

for (
  const [what, text, section, pattern, expected] of [
    [
      "a list, and keeps comments and blank lines",
      "# mine\nread:\n  - /usr # the system\n\n# nothing else\nwrite: []\n",
      "read",
      "/etc/hosts",
      "# mine\nread:\n  - /usr # the system\n  - /etc/hosts\n\n# nothing else\nwrite: []\n",
    ],
    [
      "a list on one line",
      "read: [/usr, /etc]\n",
      "read",
      "/srv",
      "read: [/usr, /etc, /srv]\n",
    ],
    [
      "what is allowed beside what is denied",
      "write:\n  allow: [/tmp]\n  deny: [/tmp/x]\n",
      "write",
      "/srv",
      "write:\n  allow: [/tmp, /srv]\n  deny: [/tmp/x]\n",
    ],
    [
      "a section that only denies",
      "write:\n  deny: [/tmp/x]\n",
      "write",
      "/srv",
      "write:\n  deny: [/tmp/x]\n  allow:\n    - /srv\n",
    ],
    [
      "a policy without the section",
      "extends: base\n",
      "run",
      "/usr/bin/ls",
      "extends: base\nrun:\n  - /usr/bin/ls\n",
    ],
    [
      "a section that allows nothing",
      "extends: base\nrun: false\n",
      "run",
      "/usr/bin/ls",
      "extends: base\nrun:\n  - /usr/bin/ls\n",
    ],
    [
      "a list, with a name that YAML would take for something else",
      "read: [/usr]\n",
      "read",
      "/a: b #\n",
      'read: [/usr, "/a: b #\\n"]\n',
    ],
    [
      "a list of JSON, which stays JSON",
      '{\n  "extends": "base",\n  "read": ["/usr"]\n}\n',
      "read",
      "/srv",
      '{\n  "extends": "base",\n  "read": [\n    "/usr",\n    "/srv"\n  ]\n}\n',
    ],
    [
      "a policy of JSON without the section, which stays JSON",
      '{"extends": "base"}',
      "write",
      "/srv",
      '{\n  "extends": "base",\n  "write": [\n    "/srv"\n  ]\n}\n',
    ],
    ["no section that allows all", "read: true\n", "read", "/a", undefined],
    [
      "a policy without a network",
      "extends: base # all\n",
      "connect",
      "10.0.0.1:443",
      'extends: base # all\nnet:\n  connect:\n    - "10.0.0.1:443"\n',
    ],
    [
      "no network that takes back what others allow",
      "extends: ./wide.yaml\nnet: false\n",
      "listen",
      "[::1]:80",
      undefined,
    ],
    [
      "rules for one end of a connection, and keeps comments",
      "net:\n  # out\n  connect:\n    - 10.0.0.1 # it\n  listen: {deny: [localhost]}\n",
      "listen",
      "10.0.0.2:80",
      'net:\n  # out\n  connect:\n    - 10.0.0.1 # it\n  listen: {deny: [localhost], allow: ["10.0.0.2:80"]}\n',
    ],
    [
      "no rules for both ends, which would allow more",
      "net: [10.0.0.1]\n",
      "connect",
      "10.0.0.2:80",
      undefined,
    ],
    [
      "no rules for both ends that only deny",
      "net: {deny: [10.0.0.1]}\n",
      "connect",
      "10.0.0.2:80",
      undefined,
    ],
    [
      "no network that is open",
      "net: true\n",
      "connect",
      "10.0.0.2:80",
      undefined,
    ],
  ] as const
) {
  Deno.test(`withRule() adds a rule to ${what}`, () => {
    assertEquals(withRule(text, section, pattern), expected);
  });
}

for (
  const pattern of [
    "/srv/a",
    "/a: b #\n\t\x1b'\"",
    "/with \\*, \\\\ and \\$",
    "/é\u2028…",
  ]
) {
  Deno.test(`hasRule() reads ${JSON.stringify(pattern)} back`, () => {
    const text = withRule("extends: base\n", "read", pattern) ?? "";
    assert(hasRule(text, "read", pattern));
    assertEquals(hasRule(text, "write", pattern), false);
  });
}

Deno.test("hasRule() reads an address back, for one end of a connection", () => {
  for (const pattern of ["10.0.0.1:443", "[fe80::1%2]:80"]) {
    const text = withRule("extends: base\n", "connect", pattern) ?? "";
    assert(hasRule(text, "connect", pattern));
    assertEquals(hasRule(text, "listen", pattern), false);
  }
});

for (const char of ["\x7f", "\x85", "\ufeff", "\uffff"]) {
  const code = char.charCodeAt(0).toString(16);
  Deno.test(`hasRule() knows that a policy with U+${code} is not read`, () => {
    const text = withRule("extends: base\n", "read", `/a${char}`) ?? "";
    assertThrows(
      () => hasRule(text, "read", `/a${char}`),
      Error,
      "control character",
    );
  });
}

Deno.test("withRule() takes no longer for each key where there are many", () => {
  const keys = Array.from({ length: 3e4 }, (_, i) => `k${i}: 1\n`);
  const took = (count: number): number => {
    const text = keys.slice(0, count).join("");
    const start = performance.now();
    assert(withRule(text, "read", "/srv") !== undefined);
    return performance.now() - start;
  };
  took(1000);
  // A tenth of them take a tenth of the time, and not a hundredth of it.
  const [few, many] = [took(3e3), took(3e4)];
  assert(many < 40 * few + 500, `${few} ms, and ${many} ms`);
});

Deno.test("hasRule() reads no policy with the same key twice", () => {
  const text = withRule("read: []\nread: []\n", "read", "/srv") ?? "";
  assertThrows(() => hasRule(text, "read", "/srv"), Error, "twice");
});
