/** The start of a body, as upstream shows it in "the object provided is unrecognized": text where it looks like JSON, else hexadecimal. */
export function summarize(bytes: Buffer, longest = 30): string {
  if (bytes.length === 0) return '<empty>'
  const shown = bytes.subarray(0, longest)
  const text = bytes[0] === 0x7b ? shown.toString('utf8') : shown.toString('hex')
  return bytes.length > longest ? `${text} ...` : text
}
