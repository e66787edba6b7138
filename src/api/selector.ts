// Label and field selectors, read and written as upstream does (source: k8s.io/apimachinery/pkg/labels, pkg/fields).
import type { LabelSelector as WireLabelSelector } from './generated/types.ts'
import { isLabelValue, isQualifiedName } from './names.ts'
import { badRequestError } from './status-error.ts'

export type SelectorOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt'

export interface Requirement {
  readonly key: string
  readonly operator: SelectorOperator
  /** Sorted, each once. */
  readonly values: readonly string[]
}

export interface LabelSelector {
  readonly requirements: readonly Requirement[]
  /** Whether it matches everything. */
  readonly empty: boolean
  matches(labels: Readonly<Record<string, string>> | undefined): boolean
  toString(): string
}

type Labels = Readonly<Record<string, string>>

const integer = (text: string): bigint | undefined => (/^[+-]?\d+$/.test(text) ? BigInt(text.replace('+', '')) : undefined)

function meets({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  if (operator === 'exists') return value !== undefined
  if (operator === '!') return value === undefined
  if (operator === '!=' || operator === 'notin') return value === undefined || !values.includes(value)
  if (value === undefined) return false
  if (operator !== 'gt' && operator !== 'lt') return values.includes(value)
  const left = integer(value)
  const right = integer(values[0] ?? '')
  if (left === undefined || right === undefined) return false
  return operator === 'gt' ? left > right : left < right
}

function render({ key, operator, values }: Requirement): string {
  if (operator === 'exists') return key
  if (operator === '!') return `!${key}`
  if (operator === 'gt' || operator === 'lt') return `${key}${operator === 'gt' ? '>' : '<'}${values[0]}`
  return operator === 'in' || operator === 'notin' ? `${key} ${operator} (${values.join(',')})` : `${key}${operator}${values[0]}`
}

const none: Labels = {}

function selectorOf(unsorted: readonly Requirement[]): LabelSelector {
  const requirements = [...unsorted].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  return {
    requirements,
    empty: requirements.length === 0,
    matches: (labels = none) => requirements.every((r) => meets(r, labels)),
    toString: () => requirements.map(render).join(','),
  }
}

export const everything: LabelSelector = selectorOf([])
export const nothing: LabelSelector = { requirements: [], empty: false, matches: () => false, toString: () => '' }

/** A selector for exactly these labels. */
export const selectorFromLabels = (labels: Labels): LabelSelector =>
  selectorOf(Object.entries(labels).map(([key, value]) => ({ key, operator: '=', values: [value] })))

const wireOperators: Readonly<Record<string, SelectorOperator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' }

/** Of a selector field: absent matches nothing, empty everything. An invalid one (validation refuses it) matches nothing. */
export function labelSelectorOf(selector: WireLabelSelector | undefined | null): LabelSelector {
  if (!selector) return nothing
  const requirements: Requirement[] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({ key, operator: '=', values: [value] }))
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = wireOperators[operator]
    if (!known) return nothing
    requirements.push({ key, operator: known, values: unique(values ?? []) })
  }
  return requirements.length ? selectorOf(requirements) : everything
}

const unique = (values: readonly string[]): string[] => [...new Set(values)].sort()

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

class SelectorSyntaxError extends Error {}
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
    return checked({ key: key.text, operator, values: unique(values) })
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

/** As in `labelSelector=`. @throws StatusError 400 */
export function parseLabelSelector(text: string): LabelSelector {
  if (text === '') return everything
  try {
    return selectorOf(new LabelParser(text).parse())
  } catch (error) {
    if (error instanceof SelectorSyntaxError) throw badRequestError(error.message)
    throw error
  }
}

export interface FieldTerm {
  readonly field: string
  readonly operator: '=' | '!='
  readonly value: string
}

export interface FieldSelector {
  readonly terms: readonly FieldTerm[]
  /** `read` gives the value of a field, empty when the object has none. */
  matches(read: (field: string) => string): boolean
  toString(): string
}

/** As in `fieldSelector=`. Whether a field can be selected by is for the kind to say. @throws StatusError 400 */
export function parseFieldSelector(text: string): FieldSelector {
  const terms = splitTerms(text).filter((t) => t !== '').map((term) => readTerm(term, text))
  return {
    terms,
    matches: (read) => terms.every((t) => (read(t.field) === t.value) === (t.operator === '=')),
    toString: () => terms.map((t) => `${t.field}${t.operator}${t.value.replace(/[\\,=]/g, '\\$&')}`).join(','),
  }
}

const splitTerms = (text: string): string[] => text.match(/(?:\\[\s\S]|[^,\\]|\\$)+/g) ?? []

function readTerm(term: string, selector: string): FieldTerm {
  const at = term.search(/!=|=/)
  if (at < 0) throw badRequestError(`invalid selector: '${selector}'; can't understand '${term}'`)
  const operator = term.startsWith('!=', at) ? '!=' : term.startsWith('==', at) ? '==' : '='
  return { field: term.slice(0, at), operator: operator === '!=' ? '!=' : '=', value: unescape(term.slice(at + operator.length)) }
}

function unescape(text: string): string {
  return text.replace(/\\([\s\S]?)|[,=]/g, (all, escaped: string | undefined) => {
    if (escaped === undefined) throw badRequestError(`invalid field selector: unescaped character in value: ${all.charCodeAt(0)}`)
    if (!/[\\,=]/.test(escaped)) throw badRequestError(`invalid field selector: invalid escape sequence: ${all}`)
    return escaped
  })
}
