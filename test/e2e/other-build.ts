// The same program as another version of it: its build date, which is in it as text, is another.
import { readFileSync, writeFileSync } from 'node:fs'

/** @returns the build date of the copy. */
export function writeOtherBuild(from: string, to: string, year: string): string {
  const bytes = readFileSync(from)
  const text = bytes.toString('latin1')
  const date = /buildDate:(?:.{0,60}?)"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ)"/.exec(text)?.[1]
  if (!date) throw new Error(`${from} has no build date`)
  const other = date.replace(/^\d{4}/, year)
  for (let at = bytes.indexOf(date, 0, 'latin1'); at >= 0; at = bytes.indexOf(date, at + 1, 'latin1')) bytes.write(other, at, 'latin1')
  writeFileSync(to, bytes, { mode: 0o755 })
  return other
}
