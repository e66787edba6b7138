// JSON as Kubernetes reads and writes it. `JSON.parse` does the work whenever a scan of the text proves that it reads the same.
import { type StatusError, badRequestError } from '../status-error.ts'
import { type Document, JsonSyntaxError, deepestNesting, readJson } from './json-reader.ts'
import { countKeys, hasBackslashKey, scanJson } from './json-scan.ts'
import { summarize } from './summary.ts'
import { typeMetaProblem } from './type-meta.ts'
import { decodeUtf8 } from './utf8.ts'

export interface ParseOptions {
  /** The kind a body must be of, for the message when it is not even JSON. */
  mustBe?: string
}

/** @throws StatusError 400 with upstream's wording. */
export function parseJson(bytes: Buffer, options: ParseOptions = {}): Document {
  const document = parse(bytes, options)
  const problem = options.mustBe === undefined ? undefined : typeMetaProblem(document.value)
  if (problem !== undefined) throw unrecognized(problem, bytes, options)
  return document
}

/** The answer to a body that is not what it must be. */
export function unrecognized(why: string, bytes: Buffer, { mustBe }: ParseOptions): StatusError {
  return badRequestError(mustBe === undefined ? why : `the object provided is unrecognized (must be of type ${mustBe}): ${why} (${summarize(bytes)})`)
}

function parse(bytes: Buffer, options: ParseOptions): Document {
  const scan = scanJson(bytes)
  const text = decodeUtf8(bytes)
  if (scan.plainNumbers && scan.depth < deepestNesting) {
    const value = tryParse(text)
    if (value !== undefined && countKeys(value) === scan.keys && !misreadKeys(text, value)) return { value, duplicates: [] }
  }
  try {
    return readJson(text)
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    throw unrecognized(options.mustBe === undefined ? error.message : `couldn't get version/kind; json parse error: ${error.message}`, bytes, options)
  }
}

const misreadKeys = (text: string, value: unknown): boolean => text.includes('\\') && hasBackslashKey(value)

/** For JSON that this program has written: no duplicate keys, nothing malformed. */
export function parseOwnJson(bytes: Buffer): unknown {
  const text = bytes.toString('utf8')
  if (/[0-9]{16}/.test(text)) return readJson(text).value
  const value: unknown = JSON.parse(text)
  return misreadKeys(text, value) ? readJson(text).value : value
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Compact JSON; a bigint is written as the integer it is. */
export function stringify(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? rawJson(String(item)) : item))
  }
}

const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON
