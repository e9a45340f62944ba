/** Addresses of this process's own buffers. */

const known = new WeakMap<ArrayBufferLike, number>();
let lastBuffer: ArrayBufferLike | undefined;
let lastAddress = 0;

/**
 * The address of a byte array.
 *
 * It stays the same as long as the array lives, and does not keep it alive.
 *
 * @param bytes the array, not empty
 * @returns where its first byte is
 */
export function addressOf(bytes: Uint8Array): number {
  // A small array lives on V8's heap, where it may move, until somebody asks for
  // its `buffer`. So that is asked for first, and the address taken after.
  const { buffer } = bytes;
  if (buffer !== lastBuffer) {
    lastAddress = known.get(buffer) ?? look(buffer);
    lastBuffer = buffer;
  }
  return lastAddress + bytes.byteOffset;
}

function look(buffer: ArrayBufferLike): number {
  const pointer = Deno.UnsafePointer.of(new Uint8Array(buffer) as BufferSource);
  const address = Number(Deno.UnsafePointer.value(pointer));
  known.set(buffer, address);
  return address;
}
