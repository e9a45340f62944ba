/** A set of patterns matches what one of them does. */

import { assertEquals } from "@std/assert";
import { matchSegment, parseSegment } from "./segment.ts";
import { SegmentSet } from "./segment_set.ts";

Deno.test("SegmentSet matches what one of its patterns does, and nothing else", () => {
  const patterns = [
    ...["*.key", "id_*", "*_history", "?x", "[ab]*", "*mid*", "a*b"],
    ...["*\\*", "\\?*", "é*", "*é", "x", "*[[]"],
  ].map(parseSegment);
  const set = new SegmentSet(patterns);
  const parts = [
    ...["", "a", "b", "x", ".key", "id_", "_history", "mid", "*", "?", "["],
    ...["é", "\u00ff", "key", "c"],
  ];
  let matched = 0;
  for (const one of parts) {
    for (const two of parts) {
      for (const three of parts) {
        const name = one + two + three;
        if (name === "") continue;
        const wanted = patterns.some((pattern) =>
          matchSegment(pattern, name, 0, name.length)
        );
        assertEquals([name, set.matches(name)], [name, wanted]);
        matched += Number(wanted);
      }
    }
  }
  assertEquals(matched > 100, true);
});

Deno.test("SegmentSet without a pattern matches nothing", () => {
  assertEquals(new SegmentSet([]).matches("a"), false);
});
