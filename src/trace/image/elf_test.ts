import { assertEquals } from "@std/assert";
import { toCString } from "../../abi/bytes.ts";
import {
  DF_1_PIE,
  DT_DEBUG,
  DT_FLAGS_1,
  EI_CLASS,
  ELF_DYNAMIC,
  ELF_HEADER,
  ELF_PROGRAM_HEADER,
  ELFCLASS64,
  ET_DYN,
  ET_EXEC,
  PT_DYNAMIC,
  PT_INTERP,
} from "../../abi/elf.ts";
import { ENOENT, ENOEXEC } from "../../abi/errno.ts";
import { O_RDONLY } from "../../abi/fcntl.ts";
import { set } from "../../abi/layout.ts";
import { close, open } from "../../sys/files.ts";
import { hostArch } from "../../sys/host.ts";
import { libc } from "../../sys/libc.ts";
import { type Elf, readElf } from "./elf.ts";

// Deno 2.4 counts a library that a test opens as a leak of that test.
libc.__errno_location();

interface Header {
  readonly e_type?: number;
  readonly e_machine?: number;
  readonly e_phoff?: number | bigint;
  readonly e_phentsize?: number;
  readonly e_phnum?: number;
  readonly class?: number;
}

/** Where the first segment's bytes are; each has 256 of its own. */
const SEGMENTS = 0x400;

/** A file with some segments: their types and bytes. */
function elf(
  header: Header,
  ...segments: readonly (readonly [type: number, bytes: Uint8Array])[]
): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(0x1000);
  file.set([0x7f, 0x45, 0x4c, 0x46]);
  file[EI_CLASS] = header.class ?? ELFCLASS64;
  set(ELF_HEADER, file, "e_type", header.e_type ?? ET_DYN);
  const machine = header.e_machine ?? hostArch().elfMachine;
  set(ELF_HEADER, file, "e_machine", machine);
  set(ELF_HEADER, file, "e_phoff", header.e_phoff ?? ELF_HEADER.size);
  const { size } = ELF_PROGRAM_HEADER;
  set(ELF_HEADER, file, "e_phentsize", header.e_phentsize ?? size);
  set(ELF_HEADER, file, "e_phnum", header.e_phnum ?? segments.length);
  segments.forEach(([type, bytes], i) => {
    const entry = file.subarray(ELF_HEADER.size + i * size);
    const at = SEGMENTS + i * 0x100;
    set(ELF_PROGRAM_HEADER, entry, "p_type", type);
    set(ELF_PROGRAM_HEADER, entry, "p_offset", at);
    set(ELF_PROGRAM_HEADER, entry, "p_filesz", bytes.length);
    file.set(bytes, at);
  });
  return file;
}

function named(path: string): readonly [number, Uint8Array] {
  return [PT_INTERP, toCString(path)];
}

function dynamic(
  ...entries: readonly [number, number][]
): [number, Uint8Array] {
  const bytes = new Uint8Array(ELF_DYNAMIC.size * (entries.length + 1));
  entries.forEach(([tag, value], i) => {
    const one = bytes.subarray(i * ELF_DYNAMIC.size);
    set(ELF_DYNAMIC, one, "d_tag", tag);
    set(ELF_DYNAMIC, one, "d_val", value);
  });
  return [PT_DYNAMIC, bytes];
}

async function read(bytes: Uint8Array): Promise<Elf | number> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, bytes);
    const fd = open(toCString(path), O_RDONLY);
    try {
      return readElf(fd, bytes.subarray(0, 4096), Math.min(4096, bytes.length));
    } finally {
      close(fd);
    }
  } finally {
    await Deno.remove(path);
  }
}

const LOAD: readonly [number, Uint8Array] = [1, new Uint8Array(8)];
const LD = named("/lib/ld.so");

const REFUSED: Readonly<Record<string, Uint8Array>> = {
  "another machine": elf({ e_machine: 3 }, LD),
  "32 bits": elf({ class: 1 }, LD),
  "an object file": elf({ e_type: 1 }, LD),
  "program headers of another size": elf({ e_phentsize: 32 }, LD),
  "no program header": elf({ e_phnum: 0 }, LD),
  "too many program headers": elf({ e_phnum: 1171 }, LD),
  "program headers behind its end": elf({ e_phoff: 0x1000 }, LD),
  "an interpreter that does not end": elf({}, [
    PT_INTERP,
    new Uint8Array([47, 120]),
  ]),
  "an interpreter of one byte": elf({}, [PT_INTERP, new Uint8Array(1)]),
  "a header that is cut off": elf({}, LD).subarray(0, 63),
};

for (const [what, file] of Object.entries(REFUSED)) {
  Deno.test(`readElf() refuses ${what}`, async () => {
    assertEquals(await read(file), ENOEXEC);
  });
}

Deno.test("readElf() refuses offsets that no number has exactly", async () => {
  const { size } = ELF_PROGRAM_HEADER;
  const far = elf({ e_phoff: 2n ** 53n + 1n }, LD);
  const path = await Deno.makeTempFile({ dir: "/dev/shm" });
  try {
    using file = await Deno.open(path, { write: true });
    await file.write(far);
    await file.seek(2n ** 53n, Deno.SeekMode.Start);
    await file.write(far.subarray(ELF_HEADER.size, ELF_HEADER.size + size));
    const fd = open(toCString(path), O_RDONLY);
    assertEquals(readElf(fd, far, far.length), ENOEXEC);
    close(fd);
  } finally {
    await Deno.remove(path);
  }
});

const READ: Readonly<Record<string, readonly [Uint8Array, Elf]>> = {
  "an interpreter": [
    elf({}, LOAD, LD),
    { interpreter: "/lib/ld.so", loads: false },
  ],
  "the first of two interpreters": [
    elf({}, named("/one"), named("/two")),
    { interpreter: "/one", loads: false },
  ],
  "an interpreter up to its first NUL": [
    elf({}, named("/one\0/two")),
    { interpreter: "/one", loads: false },
  ],
  "a program at fixed addresses": [
    elf({ e_type: ET_EXEC }, LOAD),
    { interpreter: undefined, loads: false },
  ],
  "a program at any address by its flag": [
    elf({}, LOAD, dynamic([1, 2], [DT_FLAGS_1, 1 + DF_1_PIE])),
    { interpreter: undefined, loads: false },
  ],
  "a program at any address by its place for debuggers": [
    elf({}, dynamic([DT_DEBUG, 0])),
    { interpreter: undefined, loads: false },
  ],
  "a loader, which has neither": [
    elf({}, LOAD, dynamic([DT_FLAGS_1, 1], [30, 8])),
    { interpreter: undefined, loads: true },
  ],
  "a loader, where nothing says what it is": [
    elf({}, LOAD),
    { interpreter: undefined, loads: true },
  ],
};

for (const [what, [file, wanted]] of Object.entries(READ)) {
  Deno.test(`readElf() finds ${what}`, async () => {
    assertEquals(await read(file), wanted);
  });
}

Deno.test("readElf() finds no file for an interpreter without a name", async () => {
  assertEquals(await read(elf({}, named("\0"))), ENOENT);
});
