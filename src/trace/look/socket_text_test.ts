import { assertEquals } from "@std/assert";
import {
  familyText,
  levelText,
  messageFlagsText,
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
  assertEquals(
    [optionText(0, 35), optionText(41, 20), optionText(1, 16)],
    ["IP_ADD_MEMBERSHIP", "IPV6_ADD_MEMBERSHIP", "SO_PASSCRED"],
  );
  assertEquals(optionText(17, 1), "UDP_CORK");
  assertEquals(
    [0, 0x8040, 4, 0x4_8000, -0x8000_0000].map(messageFlagsText),
    [
      "0",
      "MSG_DONTWAIT|MSG_MORE",
      "MSG_DONTROUTE",
      "MSG_MORE|0x40000",
      "0x80000000",
    ],
  );
});
