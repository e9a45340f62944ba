import { assertEquals } from "@std/assert";
import { toCString } from "../abi/bytes.ts";
import { STAT } from "../abi/stat.ts";
import { libc } from "../sys/libc.ts";
import { OWN_VIEW } from "../sys/view.ts";
import { behindLink, rememberLink } from "./root_links.ts";

// Deno 2.4 counts a library that a test opens as a leak of that test.
libc();

/** What stat(2) says of a file that is there everywhere. */
function statOf(path: string): Uint8Array {
  const stat = new Uint8Array(STAT.size);
  assertEquals(OWN_VIEW.stat(toCString(path), stat), 0);
  return stat;
}

Deno.test("behindLink() knows what a link at the start of a path leads to", () => {
  rememberLink("/etc", "usr/etc", statOf("/etc"));
  assertEquals(behindLink(OWN_VIEW, "/etc/passwd"), "/usr/etc/passwd");
  assertEquals(behindLink(OWN_VIEW, "/etc/"), "/usr/etc/");
  assertEquals(behindLink(OWN_VIEW, "/etc"), undefined);
  assertEquals(behindLink(OWN_VIEW, "/etcetera/passwd"), undefined);
  rememberLink("/etc", "/other", statOf("/etc"));
  assertEquals(behindLink(OWN_VIEW, "/etc/../x"), "/other/../x");
});

Deno.test("behindLink() forgets a link in whose place there is another, or none", () => {
  rememberLink("/etc", "usr/etc", statOf("/usr"));
  assertEquals(behindLink(OWN_VIEW, "/etc/passwd"), undefined);
  rememberLink("/no-such-name", "usr", statOf("/usr"));
  assertEquals(behindLink(OWN_VIEW, "/no-such-name/x"), undefined);
});
