// The careful JSON reader: integers beyond 2^53 become bigint, duplicate keys are reported with their path, mistakes are worded as Go words
// them (source: sigs.k8s.io/json). Used when the fast path is not proven equal.

export class JsonSyntaxError extends Error {}

export const deepestNesting = 1000

export interface Document {
  value: unknown
  /** As in `duplicate field "metadata.name"`, in the order of the text. */
  duplicates: string[]
}

export function readJson(text: string): Document {
  const reader = new JsonReader(text)
  return { value: reader.readDocument(), duplicates: reader.duplicates }
}

const escapes: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }
const number = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y
const plainText = /[^"\\\u0000-\u001f]*/y

class JsonReader {
  readonly duplicates: string[] = []
  #text: string
  #at = 0
  #path: string[] = []

  constructor(text: string) {
    this.#text = text
  }

  readDocument(): unknown {
    this.#skipSpace()
    const value = this.#value()
    this.#skipSpace()
    if (this.#at < this.#text.length) this.#refuse('after top-level value')
    return value
  }

  #value(): unknown {
    const c = this.#text[this.#at]
    if (c === '{') return this.#object()
    if (c === '[') return this.#array()
    if (c === '"') return this.#string()
    if (c === 't') return this.#literal('true', true)
    if (c === 'f') return this.#literal('false', false)
    if (c === 'n') return this.#literal('null', null)
    if (c === '-' || (c !== undefined && c >= '0' && c <= '9')) return this.#number()
    return this.#refuse('looking for beginning of value')
  }

  #object(): unknown {
    const result: Record<string, unknown> = {}
    this.#open()
    if (this.#text[this.#at] === '}') return this.#close(result)
    for (;;) {
      if (this.#text[this.#at] !== '"') this.#refuse('looking for beginning of object key string')
      const key = this.#string()
      this.#skipSpace()
      if (this.#text[this.#at] !== ':') this.#refuse('after object key')
      this.#at++
      this.#skipSpace()
      this.#path.push(this.#path.length ? `.${key}` : key)
      if (Object.hasOwn(result, key)) this.duplicates.push(`duplicate field ${JSON.stringify(this.#path.join(''))}`)
      define(result, key, this.#value())
      this.#path.pop()
      this.#skipSpace()
      const c = this.#text[this.#at]
      if (c === '}') return this.#close(result)
      if (c !== ',') this.#refuse('after object key:value pair')
      this.#at++
      this.#skipSpace()
    }
  }

  #array(): unknown {
    const result: unknown[] = []
    this.#open()
    if (this.#text[this.#at] === ']') return this.#close(result)
    for (;;) {
      this.#path.push(`[${result.length}]`)
      result.push(this.#value())
      this.#path.pop()
      this.#skipSpace()
      const c = this.#text[this.#at]
      if (c === ']') return this.#close(result)
      if (c !== ',') this.#refuse('after array element')
      this.#at++
      this.#skipSpace()
    }
  }

  #open(): void {
    if (this.#path.length >= deepestNesting) this.#refuse('exceeded max depth')
    this.#at++
    this.#skipSpace()
  }

  #close<T>(result: T): T {
    this.#at++
    return result
  }

  #string(): string {
    let result = ''
    this.#at++
    for (;;) {
      plainText.lastIndex = this.#at
      const run = plainText.exec(this.#text)![0]
      result += run
      this.#at += run.length
      const c = this.#text[this.#at]
      if (c === '"') break
      if (c !== '\\') this.#refuse('in string literal')
      this.#at++
      result += this.#escape()
    }
    this.#at++
    return result
  }

  #escape(): string {
    const c = this.#text[this.#at]
    if (c === 'u') {
      for (let i = 1; i <= 4; i++) if (!/[0-9a-fA-F]/.test(this.#text[this.#at + i] ?? '')) this.#refuse('in \\u hexadecimal character escape', i)
      this.#at += 5
      return String.fromCharCode(parseInt(this.#text.slice(this.#at - 4, this.#at), 16))
    }
    const plain = c === undefined ? undefined : escapes[c]
    if (plain === undefined) this.#refuse('in string escape code')
    this.#at++
    return plain!
  }

  #number(): number | bigint {
    number.lastIndex = this.#at
    const match = number.exec(this.#text)
    if (!match) return this.#refuse('in numeric literal', 1)
    this.#at += match[0].length
    const value = Number(match[0])
    const after = this.#text[this.#at] ?? ''
    if (after === '.' && !match[1]) return this.#refuse('after decimal point in numeric literal', 1)
    if ((after === 'e' || after === 'E') && !match[2]) return this.#refuse('in exponent of numeric literal', 1)
    return match[1] || match[2] || Number.isSafeInteger(value) ? value : BigInt(match[0])
  }

  #literal<T>(word: string, value: T): T {
    for (let i = 1; i < word.length; i++)
      if (this.#text[this.#at + i] !== word[i]) this.#refuse(`in literal ${word} (expecting '${word[i]}')`, i)
    this.#at += word.length
    return value
  }

  #skipSpace(): void {
    for (;;) {
      const c = this.#text.charCodeAt(this.#at)
      if (c !== 32 && c !== 10 && c !== 13 && c !== 9) return
      this.#at++
    }
  }

  #refuse(context: string, offset = 0): never {
    const c = this.#text[this.#at + offset]
    throw new JsonSyntaxError(c === undefined ? 'unexpected end of JSON input' : `invalid character ${quoteCharacter(c)} ${context}`)
  }
}

/** Sets an own property, also one named `__proto__`. */
export function define(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  else target[key] = value
}

// Go sees bytes: of a character beyond ASCII it shows the first one.
function quoteCharacter(c: string): string {
  if (c === "'") return "'\\''"
  if (c === '"') return "'\"'"
  const byte = Buffer.from(c)[0]!
  if (byte >= 0x80) return byte >= 0xa1 ? `'${String.fromCharCode(byte)}'` : `'\\u${byte.toString(16).padStart(4, '0')}'`
  if (byte >= 0x20 && byte < 0x7f) return c === '\\' ? "'\\\\'" : `'${c}'`
  const named: Readonly<Record<number, string>> = { 7: '\\a', 8: '\\b', 9: '\\t', 10: '\\n', 11: '\\v', 12: '\\f', 13: '\\r' }
  return `'${named[byte] ?? `\\x${byte.toString(16).padStart(2, '0')}`}'`
}
