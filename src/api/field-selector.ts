// Field selectors (source: k8s.io/apimachinery/pkg/fields).
import { badRequestError } from './status-error.ts'

interface FieldTerm {
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
