import { assertEquals, assertMatch } from "@std/assert";
import { fromText } from "../abi/bytes.ts";
import { saverFor } from "./save.ts";

const POLICY = "# mine\nextends: base\n";

for (
  const [name, saved] of [
    ["with a space", `${POLICY}read:\n  - "/srv/with a space"\n`],
    ["blank ", `${POLICY}read:\n  - "/srv/blank\\\\ "\n`],
    ["a,", `${POLICY}read:\n  - "/srv/a\\\\,"\n`],
    ["a;", `${POLICY}read:\n  - "/srv/a\\\\;"\n`],
    ["a;/b:/c", `${POLICY}read:\n  - "/srv/a\\\\;/b\\\\:/c"\n`],
    ["(a|b)", `${POLICY}read:\n  - "/srv/(a\\\\|b)"\n`],
    ["\x7f", undefined],
    ["\x85", undefined],
    ["\ufeff", undefined],
    ["a".repeat(70_000), undefined],
  ] as const
) {
  const what = JSON.stringify(name.slice(0, 20));
  const how = saved === undefined ? "keeps the policy readable" : "is saved";
  Deno.test(`a rule that is agreed to ${how}, for a file named ${what}`, async () => {
    const policy = await Deno.makeTempFile({ suffix: ".yaml" });
    try {
      await Deno.writeTextFile(policy, POLICY);
      const saver = await saverFor(["base", policy]);
      const path = fromText(`/srv/${name}`);
      const failed = saver?.save({ access: "read", path });
      if (saved === undefined) {
        assertMatch(failed ?? "", /^no policy can have this rule: ./);
      } else assertEquals(failed, undefined);
      assertEquals(await Deno.readTextFile(policy), saved ?? POLICY);
    } finally {
      await Deno.remove(policy);
    }
  });
}
