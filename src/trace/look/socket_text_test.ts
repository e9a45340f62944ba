import { assertEquals } from "@std/assert";
import {
  familyText,
  levelText,
  optionText,
  socketTypeText,
} from "./socket_text.ts";

Deno.test("constants of sockets are named, and numbers where they are unknown", () => {
  assertEquals([familyText(1), familyText(40)], ["AF_UNIX", "40"]);
  assertEquals(
    [526337, 3, 0o4002, 7, 0x101].map(socketTypeText),
    [
      "SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK",
      "SOCK_RAW",
      "SOCK_DGRAM|SOCK_NONBLOCK",
      "7",
      "SOCK_STREAM|0x100",
    ],
  );
  assertEquals([levelText(1), levelText(263)], ["SOL_SOCKET", "263"]);
  assertEquals(
    [optionText(1, 15), optionText(1, 999), optionText(41, 15)],
    ["SO_REUSEPORT", "999", "15"],
  );
});
