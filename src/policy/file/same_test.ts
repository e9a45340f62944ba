/** Flags, a permission set and a policy that say the same mean the same. */

import { assertEquals } from "@std/assert";
import type { Call } from "../call.ts";
import { compile } from "../compile.ts";
import { mergeLayers } from "../merge.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { Layer } from "../policy.ts";
import { random } from "../random_test.ts";
import { flagsLayer, type PermissionFlags } from "./flags.ts";
import { parsePolicy } from "./parse.ts";
import { permissionsLayer } from "./permissions.ts";

const RUNS = 200;

/** Paths as flags have them, none of which a policy would read as a pattern. */
const PATHS = ["/a", "/a/b", "/a/b/c", "/", "/x y", "/q*", "/[z]", "rel/s"];
PATHS.push("/back\\slash", "/ü", "/a//b/", "/dev/null", "/$V", "/d,e", "/~t");

const HOSTS = ["127.0.0.1:80", "10.0.0.0/8", "[::1]:80", "*:443", "localhost"];
HOSTS.push("0.0.0.0/0", "::ffff:1.2.3.4", "*.example.com:1-5", "unix:/a/s");

const ADDRESSES = [[127, 0, 0, 1], [10, 1, 2, 3], [1, 2, 3, 4], [0, 0, 0, 0]];
const LOOPBACK6 = [...Array<number>(15).fill(0), 1];

/** What is asked: files, and addresses of both kinds. */
function calls(): Call[] {
  const asked = ["/a", "/a/b", "/a/b/c", "/a/d", "/x y", "/x", "/q*", "/qq"];
  asked.push("/[z]", "/z", "/w/rel/s/t", "/w", "/back\\slash", "/\xc3\xbc");
  asked.push("/$V", "/~t", "/d,e", "/d", "/dev/null", "/");
  const files = asked.flatMap((path) =>
    (["read", "write", "run", "stat"] as const).map((access): Call => ({
      name: "openat",
      uses: [{ access, path, kind: "file" }],
    }))
  );
  const ends = [0, 3, 80, 443].flatMap((port): Endpoint[] => [
    ...ADDRESSES.map((address) => ({
      ...{ family: "inet", address, port } as const,
    })),
    { family: "inet6", address: LOOPBACK6, port, scope: 0 },
  ]);
  return files.concat(
    ends.flatMap((endpoint) =>
      (["connect", "listen"] as const).map((access): Call => ({
        name: access === "connect" ? "connect" : "bind",
        uses: [],
        net: [{ access, stream: true, endpoint }],
      }))
    ),
  );
}

const CALLS = calls();

function decisions(layer: Layer): string[] {
  const engine = compile(mergeLayers([layer]), { realpath: (path) => path });
  return CALLS.map((call) => {
    const decision = engine.decide(call);
    return decision.kind === "allow"
      ? "allow"
      : JSON.stringify(decision.refusal);
  });
}

/** A path of a flag, as a policy has it: `*` and its like mean themselves. */
function escaped(path: string): string {
  const whole = path.startsWith("/") ? path : `\${cwd}/${path}`;
  return whole.replace(/[*?[\]|,\\]|\$(?!\{)/g, "\\$&");
}

async function policy(flags: PermissionFlags): Promise<Layer> {
  const lines = Object.entries(flags).map(([section, values]) => {
    const effects = Object.entries(values as Record<string, unknown>)
      .map(([effect, list]) =>
        `${effect}: ${
          Array.isArray(list) ? JSON.stringify(list.map(escaped)) : list
        }`
      );
    return `${section}: {${effects.join(", ")}}\n`;
  });
  lines.push("description: It says what flags do.\n");
  return await parsePolicy(new TextEncoder().encode(lines.join("")), {
    source: "policy.yaml",
    variables: { cwd: "/w" },
    trusted: false,
  });
}

Deno.test("flagsLayer(), permissionsLayer() and parsePolicy() decide alike where they say the same", async () => {
  const below = random(7);
  const some = (of: readonly string[]): string[] =>
    Array.from({ length: below(3) }, () => of[below(of.length)] ?? "");
  const which = (): string[] => [];
  let refused = 0;
  for (let run = 0; run < RUNS; run++) {
    const values = (of: readonly string[]): Record<string, unknown> => ({
      ...below(4) > 0 ? { allow: below(5) > 0 ? some(of) : true } : {},
      ...below(2) > 0 ? { deny: below(6) > 0 ? some(of) : true } : {},
      ...below(3) > 0 ? { ignore: below(6) > 0 ? some(of) : true } : {},
    });
    const files = Object.fromEntries(
      ["read", "write", "run"].filter(() => below(3) > 0)
        .map((section) => [section, values(PATHS)]),
    );
    const flags = { ...files, ...below(2) > 0 ? { net: values(HOSTS) } : {} };
    const said = JSON.stringify(flags);
    const options = { cwd: "/w", which };
    let wanted: Layer;
    try {
      wanted = flagsLayer(flags, options);
    } catch {
      // What a flag does not take, as a wildcard that refuses.
      refused++;
      continue;
    }
    const json = `{"permissions": {"default": ${said}}}`;
    const set = await permissionsLayer(json, {
      ...{ source: "deno.json", dir: "/w", which },
    });
    assertEquals(decisions(set), decisions(wanted), said);
    assertEquals(
      decisions(await policy(files)),
      decisions(flagsLayer(files, options)),
      JSON.stringify(files),
    );
  }
  assertEquals(refused < RUNS / 2, true, `${refused} refused`);
});
