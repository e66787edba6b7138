// Text from bytes as Go's decoder reads it: each byte that belongs to no character becomes U+FFFD. The platform makes one of all bytes of a character
// that is cut short.
import { isUtf8 } from 'node:buffer'

const replacement = Buffer.from('\ufffd')

export const decodeUtf8 = (bytes: Buffer): string => (isUtf8(bytes) ? bytes : repaired(bytes)).toString('utf8')

function repaired(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  let sound = 0
  let at = 0
  while (at < bytes.length) {
    const length = lengthAt(bytes, at)
    if (length > 0) {
      at += length
      continue
    }
    parts.push(bytes.subarray(sound, at), replacement)
    sound = ++at
  }
  return Buffer.concat([...parts, bytes.subarray(sound)])
}

/** Of the character that begins here; 0 when none does. */
function lengthAt(bytes: Buffer, at: number): number {
  const first = bytes[at]!
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0
}
