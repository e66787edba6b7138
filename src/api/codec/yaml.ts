// YAML as sigs.k8s.io/yaml reads it: version 1.1 (yes and on are booleans, 012 is octal), but timestamps and base-60 numbers stay text.
import type { CST, Document as YamlDocument, LineCounter, Node, Tags, YAMLError } from 'yaml'
import { type Document, define } from './json-reader.ts'
import { type ParseOptions, parseJson, unrecognized } from './json.ts'
import { typeMetaProblem } from './type-meta.ts'

type Yaml = typeof import('yaml')

/** The first document of the text. The library is loaded at first use. @throws StatusError 400 */
export async function parseYaml(bytes: Buffer, options: ParseOptions = {}): Promise<Document> {
  if (bytes[0] === 0x7b) {
    const quick = tryJson(bytes, options)
    if (quick && !quick.duplicates.length) return quick
  }
  const refuse = (message: string): never => {
    throw unrecognized(message, bytes, options)
  }
  const text = decodeUtf8(bytes) ?? refuse(`yaml: ${bytes[0]! >= 0x80 ? 'invalid leading UTF-8 octet' : 'invalid trailing UTF-8 octet'}`)
  const yaml = await import('yaml')
  const lines = new yaml.LineCounter()
  const composer = new yaml.Composer({ version: '1.1', customTags: goTags, uniqueKeys: false, intAsBigInt: true, logLevel: 'silent', merge: true })
  const first = composer.compose(await readTokens(yaml, text, lines), true, text.length).next().value as YamlDocument | undefined
  if (!first) return { value: {}, duplicates: [] }
  if (first.errors[0]) refuse(describe(first.errors[0], lines))
  const pause = () => (text.length > longText ? new Promise(setImmediate) : undefined)
  await pause()
  const duplicates: string[] = []
  const value = plain(convert(first, refuse) ?? {})
  const problem = options.mustBe === undefined ? undefined : typeMetaProblem(value)
  if (problem !== undefined) refuse(problem)
  await pause()
  findDuplicates(yaml, first.contents as Node, lines, duplicates)
  return { value, duplicates: duplicates.length ? [`yaml: unmarshal errors:\n${duplicates.join('\n')}`] : [] }
}

const slice = 2000
const longText = 64 * 1024

/** Reading the text is most of the work, and of a long one is done bit by bit. */
async function readTokens(yaml: Yaml, text: string, lines: LineCounter): Promise<CST.Token[]> {
  lines.addNewLine(0)
  const parser = new yaml.Parser(lines.addNewLine)
  const tokens: CST.Token[] = []
  let read = 0
  for (const lexeme of new yaml.Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme))
    if (++read % slice === 0) await new Promise(setImmediate)
  }
  return [...tokens, ...parser.end()]
}

function tryJson(bytes: Buffer, options: ParseOptions): Document | undefined {
  try {
    return parseJson(bytes, options)
  } catch {
    return undefined
  }
}

const goTags = (tags: Tags): Tags =>
  tags.filter((tag) => typeof tag === 'string' || (tag.tag !== 'tag:yaml.org,2002:timestamp' && !('format' in tag && tag.format === 'TIME')))

function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function convert(document: YamlDocument, refuse: (message: string) => never): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    const anchor = /Unresolved alias.*: (\S+)/.exec((error as Error).message)
    return refuse(anchor ? `yaml: unknown anchor '${anchor[1]}' referenced` : `yaml: ${(error as Error).message}`)
  }
}

// Integers come as bigint; those that fit become numbers. Keys are sorted, as they are when Go has made JSON of it.
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const result: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) define(result, key, plain(item))
  return result
}

function findDuplicates(yaml: Yaml, node: Node | null, lines: LineCounter, found: string[]): void {
  if (yaml.isSeq(node)) for (const item of node.items) findDuplicates(yaml, item as Node, lines, found)
  if (!yaml.isMap(node)) return
  const seen = new Set<string>()
  for (const { key, value } of node.items) {
    const name = String(yaml.isScalar(key) ? key.value : key)
    if (seen.has(name) && name !== '<<') found.push(`  line ${lines.linePos((key as Node).range?.[0] ?? 0).line}: key ${JSON.stringify(name)} already set in map`)
    seen.add(name)
    findDuplicates(yaml, value as Node | null, lines, found)
  }
}

const messages: Partial<Record<string, string>> = {
  TAB_AS_INDENT: 'found character that cannot start any token',
  BLOCK_AS_IMPLICIT_KEY: 'mapping values are not allowed in this context',
  BAD_INDENT: 'did not find expected key',
  UNEXPECTED_TOKEN: 'did not find expected node content',
}

// Go's scanner counts lines from zero and does not name the first.
function describe(error: YAMLError, lines: LineCounter): string {
  const { line } = lines.linePos(error.pos[0])
  const inLine = (text: string) => `yaml: line ${line}: ${text}`
  if (/flow sequence/i.test(error.message)) return inLine("did not find expected ',' or ']'")
  if (/flow map/i.test(error.message)) return inLine('did not find expected node content')
  const text = error.code === 'MISSING_CHAR' ? (/quote/.test(error.message) ? 'found unexpected end of stream' : "could not find expected ':'") : (messages[error.code] ?? error.message)
  return line === 1 && (error.code === 'MISSING_CHAR' || error.code === 'BLOCK_AS_IMPLICIT_KEY') ? `yaml: ${text}` : inLine(text)
}
