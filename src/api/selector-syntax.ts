// The grammar of label selectors, and what upstream says of mistakes in it (source: k8s.io/apimachinery/pkg/labels).
import { isLabelValue, isQualifiedName } from './names.ts'

export type SelectorOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt'

export interface Requirement {
  readonly key: string
  readonly operator: SelectorOperator
  /** Sorted, each once. */
  readonly values: readonly string[]
}

export const integer = (text: string): bigint | undefined => (/^[+-]?\d+$/.test(text) ? BigInt(text.replace('+', '')) : undefined)

/** @throws SelectorSyntaxError */
export const parseRequirements = (text: string): Requirement[] => new LabelParser(text).parse()

type TokenKind = 'end' | 'identifier' | 'operator' | 'error'

interface Token {
  kind: TokenKind
  text: string
}

const symbols = new Set([')', ',', '!', '==', '=', '>', '<', '!=', '('])
const special = /[=!(),><]/
const blank = /[ \t\r\n]/

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    if (blank.test(text[at]!)) at++
    else if (special.test(text[at]!)) {
      const two = text.slice(at, at + 2)
      const symbol = symbols.has(two) ? two : text[at]!
      tokens.push({ kind: 'operator', text: symbol })
      at += symbol.length
    } else {
      const start = at
      while (at < text.length && !special.test(text[at]!) && !blank.test(text[at]!)) at++
      tokens.push({ kind: 'identifier', text: text.slice(start, at) })
    }
  }
  tokens.push({ kind: 'end', text: '' })
  return tokens
}

export class SelectorSyntaxError extends Error {}
const fail = (message: string): never => {
  throw new SelectorSyntaxError(message)
}

const binaryOperators: Readonly<Record<string, SelectorOperator>> = { in: 'in', notin: 'notin', '=': '=', '==': '==', '!=': '!=', '>': 'gt', '<': 'lt' }

class LabelParser {
  #tokens: Token[]
  #at = 0

  constructor(text: string) {
    this.#tokens = tokenize(text)
  }

  parse(): Requirement[] {
    const found: Requirement[] = []
    for (;;) {
      const token = this.#peek()
      if (token.kind === 'end') return found
      if (!startsRequirement(token)) fail(`found '${token.text}', expected: !, identifier, or 'end of string'`)
      found.push(this.#requirementOrExplain())
      const after = this.#next()
      if (after.kind === 'end') return found
      if (after.text !== ',') fail(`found '${after.text}', expected: ',' or 'end of string'`)
      if (!startsRequirement(this.#peek())) fail(`found '${this.#peek().text}', expected: identifier after ','`)
    }
  }

  #requirementOrExplain(): Requirement {
    try {
      return this.#requirement()
    } catch (error) {
      return fail(`unable to parse requirement: ${(error as Error).message}`)
    }
  }

  #requirement(): Requirement {
    const absent = this.#peek().kind === 'operator'
    if (absent) this.#next()
    const key = this.#next()
    if (key.kind !== 'identifier') fail(`found '${key.text}', expected: identifier`)
    const wrong = isQualifiedName(key.text)
    if (wrong.length) fail(`<nil>: Invalid value: ${JSON.stringify(key.text)}: ${wrong.join('; ')}`)
    const after = this.#peek()
    if (absent) return { key: key.text, operator: '!', values: [] }
    if (after.kind === 'end' || after.text === ',') return { key: key.text, operator: 'exists', values: [] }
    const operator = binaryOperators[this.#next().text] ?? fail(`found '${after.text}', expected: in, notin, =, ==, !=, gt, lt`)
    const values = operator === 'in' || operator === 'notin' ? this.#valueSet() : [this.#value()]
    return checked({ key: key.text, operator, values: [...new Set(values)].sort() })
  }

  #value(): string {
    const token = this.#peek()
    if (token.kind === 'end' || token.text === ',') return ''
    if (token.kind !== 'identifier') fail(`found '${token.text}', expected: identifier`)
    return this.#next().text
  }

  #valueSet(): string[] {
    const open = this.#next()
    if (open.text !== '(') fail(`found '${open.text}' expected: '('`)
    if (this.#peek().text === ')') {
      this.#next()
      return ['']
    }
    if (this.#peek().kind !== 'identifier' && this.#peek().text !== ',') fail(`found '${this.#peek().text}', expected: ',', ')' or identifier`)
    const values: string[] = []
    let expectsValue = true
    for (;;) {
      const token = this.#next()
      if (token.text === ')') break
      if (token.text === ',') {
        if (expectsValue) values.push('')
        expectsValue = true
        if (this.#peek().text === ')') values.push('')
      } else if (token.kind !== 'identifier') fail(`found '${token.text}', expected: ',', or identifier`)
      else if (!expectsValue) fail(`found '${token.text}', expected: ',' or ')'`)
      else {
        values.push(token.text)
        expectsValue = false
        const after = this.#peek()
        if (after.text !== ',' && after.text !== ')') fail(`found '${after.text}', expected: ',' or ')'`)
      }
    }
    return values
  }

  #peek(): Token {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]!
  }

  #next(): Token {
    const token = this.#peek()
    this.#at++
    return token
  }
}

const startsRequirement = (token: Token): boolean => token.kind === 'identifier' || token.text === '!'

function checked(requirement: Requirement): Requirement {
  const { key, operator, values } = requirement
  const errors: string[] = []
  values.forEach((value, i) => {
    if ((operator === 'gt' || operator === 'lt') && integer(value) === undefined)
      errors.push(`values[${i}]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`)
  })
  values.forEach((value, i) => {
    const wrong = isLabelValue(value)
    if (wrong.length) errors.push(`values[${i}][${key}]: Invalid value: ${JSON.stringify(value)}: ${wrong.join('; ')}`)
  })
  if (errors.length) fail(errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]`)
  return requirement
}
