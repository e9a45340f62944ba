import { assertEquals } from "@std/assert";
import { toCString } from "../../abi/bytes.ts";
import { STAT } from "../../abi/stat.ts";
import { libc } from "../../sys/libc.ts";
import { OWN_VIEW } from "../../sys/view.ts";
import { behindLink, rememberLink } from "./root_links.ts";

// Deno 2.4 counts a library that a test opens as a leak of that test.
libc.__errno_location();

/** What stat(2) says of a file that is there everywhere. */
function statOf(path: string): Uint8Array {
  const stat = new Uint8Array(STAT.size);
  assertEquals(OWN_VIEW.stat(toCString(path), stat), 0);
  return stat;
}

Deno.test("behindLink() knows what a link at the start of a path leads to", () => {
  rememberLink("/usr", "some/where", statOf("/usr"));
  assertEquals(behindLink(OWN_VIEW, "/usr/passwd"), "/some/where/passwd");
  assertEquals(behindLink(OWN_VIEW, "/usr/"), "/some/where/");
  assertEquals(behindLink(OWN_VIEW, "/usr"), undefined);
  assertEquals(behindLink(OWN_VIEW, "/usrs/passwd"), undefined);
  rememberLink("/usr", "/other", statOf("/usr"));
  assertEquals(behindLink(OWN_VIEW, "/usr/../x"), "/other/../x");
});

Deno.test("rememberLink() waits until no other link can be taken for a new one", async () => {
  const path = await Deno.makeTempFile();
  assertEquals(rememberLink("/usr", "elsewhere", statOf(path)), false);
  assertEquals(rememberLink("/usr", "elsewhere", statOf("/usr")), true);
  await Deno.remove(path);
});

Deno.test("behindLink() forgets a link in whose place there is another, or none", () => {
  rememberLink("/usr", "some/where", statOf("/"));
  assertEquals(behindLink(OWN_VIEW, "/usr/passwd"), undefined);
  rememberLink("/no-such-name", "usr", statOf("/usr"));
  assertEquals(behindLink(OWN_VIEW, "/no-such-name/x"), undefined);
});

Deno.test("rememberLink() keeps memory for no more links than machines have", () => {
  rememberLink("/usr", "some/where", statOf("/usr"));
  for (let i = 0; i < 64; i++) rememberLink(`/link${i}`, "x", statOf("/usr"));
  assertEquals(behindLink(OWN_VIEW, "/usr/passwd"), undefined);
});
