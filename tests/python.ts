/** Python that tests run in a jail. */

/**
 * Python that gives its process a filter of its own, which ends it at one call, or
 * does something else, and lets all others pass: `SECCOMP_RET_KILL_PROCESS` and
 * `SECCOMP_RET_ALLOW`.
 */
export const FILTER = `import ctypes, struct
def filter(number, action=0x80000000):
  code = b"".join(struct.pack("HBBI", *line) for line in (
    (0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, action), (0x06, 0, 0, 0x7fff0000)))
  kept = ctypes.create_string_buffer(code)
  program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 4, ctypes.addressof(kept)))
  libc = ctypes.CDLL(None)
  assert libc.prctl(38, 1, 0, 0, 0) == 0
  assert libc.prctl(22, 2, program) == 0
`;

/**
 * Python that tries calls one by one, and prints of each what it returns, or its
 * errno's name.
 */
export const TRY = `import errno, os, sys
def attempt(call, *words):
  try: print(call(*words))
  except OSError as error: print(errno.errorcode[error.errno])
`;

/**
 * The words that run Python which tries something, and prints the name of its errno,
 * or "done".
 *
 * @param code what it tries
 */
export function attempt(code: string): readonly string[] {
  return [
    "python3",
    "-c",
    `import errno, os, socket, sys\ntry:\n  ${
      code.replaceAll("\n", "\n  ")
    }\n  print("done")\nexcept OSError as e: print(errno.errorcode[e.errno])`,
  ];
}
