import { assertThrows } from "@std/assert";
import { ENOMEM } from "../abi/errno.ts";
import { set } from "../abi/layout.ts";
import { RLIMIT64, RLIMIT_NOFILE } from "../abi/resource.ts";
import { SystemCallError } from "../errors.ts";
import { callNumber } from "../sys/host.ts";
import { libc } from "../sys/libc.ts";
import { ownEnvironment } from "../sys/proc.ts";
import { OWN_VIEW } from "../sys/view.ts";
import { canExecute } from "../sys/which.ts";
import { floorFacts } from "./floor.ts";

/** Acts while this process cannot open one more file. */
function withoutDescriptors(act: () => void): void {
  const change = (limit: Uint8Array | null, before: Uint8Array | null): void =>
    void libc.syscallIIBB(
      callNumber("prlimit64"),
      ...[0, RLIMIT_NOFILE, limit, before] as const,
    );
  const before = new Uint8Array(RLIMIT64.size);
  change(null, before);
  const none = before.slice();
  set(RLIMIT64, none, "rlim_cur", 0);
  change(none, null);
  try {
    act();
  } finally {
    change(before, null);
  }
}

const FACTS = floorFacts(
  { env: [], cwd: "/", program: "/", view: OWN_VIEW },
  1,
);

for (
  const [what, look] of [
    ["where a path leads", (): unknown => OWN_VIEW.realpath("/")],
    ["what a path means", (): unknown => OWN_VIEW.meant("/none")],
    ["which links it has", (): unknown => OWN_VIEW.links("/etc")],
    ["what is in a directory", (): unknown => OWN_VIEW.names("/")],
    ["what hides it", (): unknown => OWN_VIEW.closedOnTheWay("/", "/")],
    ["what is mounted", (): unknown => OWN_VIEW.mounts()],
    ["what a rule is about", (): unknown => FACTS.kind("/etc/passwd")],
    ["whether a program is there", (): unknown => canExecute("/", OWN_VIEW)],
    ["where home is", (): unknown => ownEnvironment()],
  ] as const
) {
  Deno.test(`a rule does not fall where no more file can be opened to see ${what}`, () => {
    withoutDescriptors(() => assertThrows(look, SystemCallError));
  });
}

Deno.test("a rule does not fall where the kernel does not say what a file is called", () => {
  const calls = libc as { syscallIBBI: typeof libc.syscallIBBI };
  const { syscallIBBI } = calls;
  const readlinkat = callNumber("readlinkat");
  calls.syscallIBBI = (nr, ...args): number =>
    nr === readlinkat ? -ENOMEM : syscallIBBI(nr, ...args);
  try {
    assertThrows(() => OWN_VIEW.realpath("/"), SystemCallError);
    assertThrows(() => OWN_VIEW.meant("/etc"), SystemCallError);
  } finally {
    calls.syscallIBBI = syscallIBBI;
  }
});
