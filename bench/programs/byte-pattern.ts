/** The bytes of a bulk transfer: what stands at each offset is known, so that a receiver notices lost or repeated ones. */
export const patternBytes = 256 * 1024;
// No power of two divides it, and so no buffer's size hides a shift.
const period = 251;

export function pattern(): Uint8Array {
  return Uint8Array.from({ length: patternBytes }, (_, index) => index % period);
}

export function byteAt(offset: number): number {
  return (offset % patternBytes) % period;
}
