import { assertEquals, assertThrows } from "@std/assert";
import { ERRNO } from "../abi/errno.ts";
import { SystemCallError } from "../errors.ts";
import { told } from "./told.ts";

Deno.test("a rule does not fall where a file cannot be looked at for any other reason than that none is there", () => {
  for (const errno of ["ENOENT", "ENOTDIR", "ELOOP", "EACCES"] as const) {
    assertEquals(told("/file", -ERRNO[errno]), -ERRNO[errno]);
  }
  for (
    const errno of [
      ...["EIO", "ESTALE", "ENOTCONN", "ETIMEDOUT", "EINTR"] as const,
      ...["EAGAIN", "EMFILE", "ENFILE", "ENOMEM"] as const,
    ]
  ) {
    assertThrows(() => told("/file", -ERRNO[errno]), SystemCallError, errno);
  }
});
