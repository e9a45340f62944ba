import { assertEquals } from "@std/assert";
import { isAskable, isUsual, typeText } from "./dns.ts";
import {
  type Query,
  readQuery,
  writeFormatError,
  writeReply,
} from "./dns_client.ts";
import { type DnsAnswer, readAnswer, writeQuery } from "./dns_resolver.ts";

type Piece = number | string | readonly number[];

/** Bytes: 16 bits of a number, a name with dots, or bytes as they are. */
function bytes(...pieces: readonly Piece[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(
    pieces.flatMap((piece) => {
      if (typeof piece === "number") return [piece >> 8, piece & 0xff];
      if (typeof piece !== "string") return piece;
      const labels = piece === "" ? [] : piece.split(".");
      return [
        ...labels.flatMap((label) => [
          label.length,
          ...[...label].map((c) => c.charCodeAt(0)),
        ]),
        0,
      ];
    }),
  );
}

const RD = 0x0100;
const A = 1;
const AAAA = 28;
const IN = 1;
/** A pointer to the name of the question. */
const HERE = [0xc0, 12];
const OPT = [0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 0];

function header(
  id: number,
  flags: number,
  ...counts: readonly [number, number, number, number]
): number[] {
  return [...bytes(id, flags, ...counts)];
}

const ONE = [1, 0, 0, 0] as const;

function query(found: Query | "malformed" | undefined): unknown {
  if (typeof found !== "object") return found;
  const { id, name, type, extended, size } = found;
  return { id, name, type, extended, size };
}

const LONG = Array(4).fill("a".repeat(62)).join(".");

const QUERIES: readonly (readonly [string, readonly Piece[], unknown])[] = [
  [
    "a question",
    [header(7, RD, ...ONE), "wWw.Example.org", A, IN],
    { id: 7, name: "www.example.org", type: A, extended: false, size: 512 },
  ],
  [
    "how long an answer may be",
    [header(7, RD, 1, 0, 0, 1), "a.org", A, IN, OPT],
    { id: 7, name: "a.org", type: A, extended: true, size: 1232 },
  ],
  [
    "a name of 250 bytes",
    [header(7, RD, ...ONE), LONG, A, IN],
    { id: 7, name: LONG, type: A, extended: false, size: 512 },
  ],
  [
    "a name that is too long",
    [header(7, RD, ...ONE), `${LONG}.abcd`, A, IN],
    "malformed",
  ],
  ["a dot in a label", [header(7, RD, ...ONE), [3, 97, 46, 98, 0], A, IN], {
    id: 7,
    name: undefined,
    type: A,
    extended: false,
    size: 512,
  }],
  [
    "a zero byte in a label",
    [header(7, RD, ...ONE), [3, 97, 0, 98, 0], A, IN],
    { id: 7, name: undefined, type: A, extended: false, size: 512 },
  ],
  ["the root", [header(7, RD, ...ONE), "", 2, IN], {
    id: 7,
    name: undefined,
    type: 2,
    extended: false,
    size: 512,
  }],
  [
    "a pointer in a question",
    [header(7, RD, ...ONE), HERE, A, IN],
    "malformed",
  ],
  ["a label of 64 bytes", [
    header(7, RD, ...ONE),
    [64, ...Array(64).fill(97), 0],
    A,
    IN,
  ], "malformed"],
  [
    "a name that does not end",
    [header(7, RD, ...ONE), [9, 97, 98]],
    "malformed",
  ],
  [
    "a question without a class",
    [header(7, RD, ...ONE), "a.org", A],
    "malformed",
  ],
  ["the class of chaos", [header(7, RD, ...ONE), "a.org", A, 3], "malformed"],
  [
    "two questions",
    [header(7, RD, 2, 0, 0, 0), "a.org", A, IN, "b.org", A, IN],
    "malformed",
  ],
  ["no question", [header(7, RD, 0, 0, 0, 0)], "malformed"],
  [
    "a record in a question",
    [header(7, RD, 1, 1, 0, 0), "a.org", A, IN],
    "malformed",
  ],
  [
    "bytes behind it",
    [header(7, RD, ...ONE), "a.org", A, IN, [1]],
    "malformed",
  ],
  ["bytes behind its OPT", [header(7, RD, 1, 0, 0, 1), "a.org", A, IN, OPT, [
    1,
  ]], "malformed"],
  ["an OPT that is longer than it", [
    header(7, RD, 1, 0, 0, 1),
    "a.org",
    A,
    IN,
    OPT.slice(0, 10),
    [9],
  ], "malformed"],
  ["a record that is no OPT", [
    header(7, RD, 1, 0, 0, 1),
    "a.org",
    A,
    IN,
    [0],
    A,
    IN,
    0,
    9,
    0,
  ], "malformed"],
  ["an update", [header(7, 0x2800, ...ONE), "a.org", A, IN], "malformed"],
  ["an answer", [header(7, 0x8180, ...ONE), "a.org", A, IN], undefined],
  ["half a header", [[0, 7, 1, 0, 0, 1]], undefined],
];

for (const [what, pieces, want] of QUERIES) {
  Deno.test(`readQuery() reads ${what}`, () => {
    assertEquals(query(readQuery(bytes(...pieces))), want);
  });
}

Deno.test("writeQuery() says a name, a type, and nothing else", () => {
  assertEquals(
    writeQuery(7, "a.example.org", AAAA),
    bytes(header(7, RD, 1, 0, 0, 1), "a.example.org", AAAA, IN, [
      ...[0, 0, 41, 4, 208],
      ...[0, 0, 0, 0, 0, 0],
    ]),
  );
  assertEquals(
    writeQuery(7, "a.example.org", AAAA, false),
    bytes(header(7, RD, 1, 0, 0, 0), "a.example.org", AAAA, IN),
  );
});

const SENT = writeQuery(7, "www.example.org", A);
const QUESTION: readonly Piece[] = ["wWw.example.ORG", A, IN];

function record(
  owner: Piece,
  type: number,
  data: readonly number[],
  ttl = 60,
): number[] {
  return [...bytes(owner, type, IN, 0, ttl, data.length, data)];
}

function answer(
  counts: readonly [number, number, number],
  ...records: readonly Piece[]
): Uint8Array {
  return bytes(header(7, 0x8180, 1, ...counts), ...QUESTION, ...records);
}

/** The addresses in an answer, or what is said of it. */
function addresses(found: DnsAnswer | "malformed" | undefined): unknown {
  return typeof found === "object"
    ? found.addresses.map(({ address }) => address.at(-1))
    : found;
}

const four = (last: number): number[] => [127, 1, 0, last];
const nameBytes = (name: string): number[] => [...bytes(name)];

const ANSWERS: readonly (readonly [string, Uint8Array, unknown])[] = [
  ["an address", answer([1, 0, 0], record(HERE, A, four(1))), [1]],
  [
    "the addresses of an alias, in any order",
    answer(
      [3, 0, 0],
      record("c.net", A, four(3)),
      record("B.net", 5, nameBytes("c.net")),
      record(HERE, 5, nameBytes("b.net")),
    ),
    [3],
  ],
  [
    "no address of another name",
    answer([2, 0, 0], record("b.net", A, four(2)), record(HERE, A, four(1))),
    [1],
  ],
  [
    "no address of an alias that leads elsewhere",
    answer(
      [2, 0, 0],
      record("b.net", 5, nameBytes("www.example.org")),
      record("b.net", A, four(2)),
    ),
    [],
  ],
  [
    "no address beside its answers",
    answer(
      [1, 1, 1],
      record(HERE, A, four(1)),
      record(HERE, A, four(2)),
      record(HERE, A, four(3)),
    ),
    [1],
  ],
  [
    "aliases that lead around",
    answer(
      [3, 0, 0],
      record(HERE, 5, nameBytes("b.net")),
      record("b.net", 5, nameBytes("www.example.org")),
      record("b.net", A, four(2)),
    ),
    [2],
  ],
  [
    "a pointer to itself",
    answer([1, 0, 0], record([0xc0, 33], A, four(1))),
    "malformed",
  ],
  [
    "a pointer ahead",
    answer([1, 0, 0], record([0xc0, 60], A, four(1)), nameBytes("a.org")),
    "malformed",
  ],
  [
    "a pointer into the header",
    answer([1, 0, 0], record([0xc0, 2], A, four(1))),
    "malformed",
  ],
  [
    "an alias longer than its data",
    answer([1, 0, 0], record(HERE, 5, [1, 97]), [0]),
    "malformed",
  ],
  [
    "an address of five bytes",
    answer([1, 0, 0], record(HERE, A, [...four(1), 0])),
    "malformed",
  ],
  [
    "more records than there are",
    answer([2, 0, 0], record(HERE, A, four(1))),
    "malformed",
  ],
  ["another number", bytes(header(8, 0x8180, ...ONE), ...QUESTION), undefined],
  [
    "another name",
    bytes(header(7, 0x8180, ...ONE), "xww.example.org", A, IN),
    undefined,
  ],
  [
    "another type",
    bytes(header(7, 0x8180, ...ONE), "www.example.org", AAAA, IN),
    undefined,
  ],
  ["a question", bytes(header(7, 0x0180, ...ONE), ...QUESTION), undefined],
  ["no question", bytes(header(7, 0x8180, 0, 0, 0, 0)), undefined],
];

for (const [what, message, want] of ANSWERS) {
  Deno.test(`readAnswer() takes ${what} for what it is`, () => {
    assertEquals(addresses(readAnswer(message, SENT)), want);
  });
}

function asked(extended = false): Query {
  const found = readQuery(
    bytes(
      header(9, RD, 1, 0, 0, extended ? 1 : 0),
      "WWW.example.org",
      ...[A, IN],
      extended ? OPT : [],
    ),
  );
  if (typeof found !== "object") throw new Error("no query");
  return found;
}

Deno.test("writeReply() gives answers as they came, behind the client's own question", () => {
  const found = readAnswer(
    answer([1, 0, 1], record(HERE, A, four(1)), record(HERE, A, four(2))),
    SENT,
  );
  if (typeof found !== "object") throw new Error("no answer");
  assertEquals(
    writeReply(asked(), found, 512),
    bytes(
      header(9, 0x8180, 1, 1, 0, 0),
      "WWW.example.org",
      ...[A, IN],
      record(HERE, A, four(1)),
    ),
  );
  assertEquals(
    writeReply(asked(true), found, 512).slice(-11),
    new Uint8Array([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]),
  );
});

Deno.test("writeReply() cuts what is too long, so that it is asked for by TCP", () => {
  const records = new Uint8Array(600);
  const reply = { code: 0, counts: [40, 0] as const, records };
  assertEquals(
    writeReply(asked(), reply, 512),
    bytes(header(9, 0x8380, 1, 0, 0, 0), "WWW.example.org", A, IN),
  );
});

Deno.test("writeFormatError() answers with the number alone", () => {
  assertEquals(
    writeFormatError(bytes(9, RD, 2, 0, 0, 0)),
    bytes(header(9, 0x8081, 0, 0, 0, 0)),
  );
});

Deno.test("types are what clients of a name need, or what can be asked for at all", () => {
  assertEquals([1, 28, 65, 255, 48, 10].map(isUsual), [
    ...[true, true, true, false, false, false],
  ]);
  assertEquals([1, 255, 0, 41, 251, 252].map(isAskable), [
    ...[true, true, false, false, false, false],
  ]);
  assertEquals([28, 99].map(typeText), ["AAAA", "TYPE99"]);
});
