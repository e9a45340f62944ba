import { assertEquals } from "@std/assert";
import type { TimeRule } from "../../policy/sys.ts";
import { WallClock } from "./clock.ts";

/** A clock that says what a test sets. */
function clockOf(rule: TimeRule): {
  readonly clock: WallClock;
  readonly real: { now: bigint };
} {
  const real = { now: START };
  const clock = new WallClock(rule, (_, into) => {
    const words = new BigInt64Array(into.buffer);
    words[0] = real.now / 1_000_000_000n;
    words[1] = real.now % 1_000_000_000n;
  });
  return { clock, real };
}

const START = 1_700_000_000_999_999_999n;
const LATER = START + 3_000_000_002n;

for (
  const [rule, at, expected] of [
    [{ kind: "fixed", at: 946_684_800_500 }, LATER, "946684800.500000000"],
    [{ kind: "fixed", at: 0 }, START, "0.000000000"],
    [{ kind: "offset", by: -1500 }, START, "1699999999.499999999"],
    [{ kind: "offset", by: 1 }, START, "1700000001.000999999"],
    [{ kind: "offset", by: -(10 ** 14) }, START, "0.999999999"],
    [{ kind: "rate", rate: 1 }, LATER, "1700000004.000000001"],
    [{ kind: "rate", rate: 2 }, LATER, "1700000007.000000003"],
    [{ kind: "rate", rate: 0.5 }, LATER, "1700000002.500000000"],
    [{ kind: "rate", rate: 2, from: 1000 }, START, "1.000000000"],
    [{ kind: "rate", rate: 2, from: 1000 }, LATER, "7.000000004"],
    [{ kind: "rate", rate: 2, from: 0 }, START - 1n, "0.999999998"],
  ] as const
) {
  Deno.test(`WallClock with ${JSON.stringify(rule)} says ${expected}`, () => {
    const { clock, real } = clockOf(rule);
    real.now = at;
    clock.read();
    const nanoseconds = String(clock.nanoseconds).padStart(9, "0");
    assertEquals(`${clock.seconds}.${nanoseconds}`, expected);
  });
}

for (
  const [rule, seconds, nanoseconds, expected] of [
    [{ kind: "fixed", at: 10_000 }, 12, 500_000_000, 2_500_000_000n],
    [{ kind: "fixed", at: 10_000 }, 9, 0, -1_000_000_000n],
    [{ kind: "offset", by: 5000 }, 1_700_000_007, 0, 1_000_000_001n],
    [{ kind: "rate", rate: 4, from: 0 }, 2, 0, 500_000_000n],
  ] as const
) {
  Deno.test(`WallClock with ${JSON.stringify(rule)} comes to ${seconds}.${nanoseconds} in ${expected} ns`, () => {
    const { clock } = clockOf(rule);
    clock.readReal(seconds, nanoseconds);
    const at = BigInt(clock.seconds) * 1_000_000_000n +
      BigInt(clock.nanoseconds);
    assertEquals(at - START, expected);
  });
}
