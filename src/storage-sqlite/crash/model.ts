// What a writer that may die at any moment has tried and been told, and what a store may hold afterwards.
import type { Row } from '../../storage/storage.ts'

export const writers = 24
export const keysOf = (writer: number): string[] => [0, 1, 2].map((n) => `${writer % 4 === 3 ? 'leases' : 'pods'}/${writer}/${n}`)
export const isLazyWriter = (writer: number): boolean => writer % 4 === 3

/** A value that shows when a part of it is missing. Empty: the row is absent. */
export const valueOf = (token: string): Buffer => Buffer.from(`${token} `.padEnd(10 + (token.length * 977 + token.charCodeAt(token.length - 1) * 131) % 4000, token))

interface Attempt {
  /** Empty: a deletion. */
  readonly token: string
  /** May still be lost although it was acknowledged. */
  lazy: boolean
  revision: number | undefined
  /** Lazy writes acknowledged before this durable one began: when it is durable so are they. */
  readonly takesAlong: readonly Attempt[]
}

export class Model {
  readonly #attempts: Map<string, Attempt[]>
  readonly #revisions: Set<number>
  #lazy: Attempt[] = []
  /** Of the revisions handed out. */
  highest: number
  acknowledged = 0

  constructor(from?: Model) {
    this.#attempts = new Map(from ? [...from.#attempts].map(([key, attempts]) => [key, [...attempts]]) : [])
    this.#revisions = new Set(from ? from.#revisions : [])
    this.highest = from ? from.highest : 0
  }

  /** Lines: `T key token lazy` when a write begins, `A key revision` when it is acknowledged. A key has one write under way at most. */
  read(line: string): void {
    const [what, key, third, lazy] = line.split('\t') as [string, string, string, string | undefined]
    if (what === 'T') return void this.#of(key).push({ token: third, lazy: lazy === '1', revision: undefined, takesAlong: lazy === '1' ? [] : [...this.#lazy] })
    const revision = Number(third)
    if (this.#revisions.has(revision)) throw new Error(`revision ${revision} was handed out twice`)
    this.#revisions.add(revision)
    this.highest = Math.max(this.highest, revision)
    this.acknowledged++
    const attempt = this.#of(key).at(-1)!
    attempt.revision = revision
    if (attempt.lazy) return void this.#lazy.push(attempt)
    for (const taken of attempt.takesAlong) taken.lazy = false
    this.#lazy = this.#lazy.filter((one) => one.lazy)
  }

  /** Compares with what a store has after a restart. @returns what is wrong. */
  check(rows: readonly Row[], revision: number): string[] {
    const wrong = revision < this.highest ? [`the store is at ${revision}, ${this.highest} was handed out`] : []
    const byKey = new Map(rows.map((row) => [row.key, row]))
    for (const key of new Set([...this.#attempts.keys(), ...byKey.keys()])) wrong.push(...this.#checkKey(key, byKey.get(key)))
    return wrong
  }

  /** Begins anew from what the store has. */
  restart(rows: readonly Row[]): void {
    this.#attempts.clear()
    this.#lazy = []
    for (const row of rows) this.#attempts.set(row.key, [{ token: tokenOf(row), lazy: false, revision: row.revision, takesAlong: [] }])
  }

  #checkKey(key: string, row: Row | undefined): string[] {
    const attempts = this.#attempts.get(key) ?? []
    const durable = attempts.findLastIndex((a) => a.revision !== undefined && !a.lazy)
    const possible = durable < 0 ? [nothing, ...attempts] : attempts.slice(durable)
    const token = row ? tokenOf(row) : ''
    if (!possible.some((a) => a.token === token)) return [`${key} holds ${token || 'nothing'}, possible: ${possible.map((a) => a.token || 'nothing').join(' ')}`]
    if (!row) return []
    if (!row.value.equals(valueOf(token))) return [`${key} holds half of ${token}`]
    const seen = Math.max(0, ...attempts.map((a) => a.revision ?? 0))
    return row.revision < seen ? [`${key} is at ${row.revision}, it was seen at ${seen}`] : []
  }

  #of(key: string): Attempt[] {
    const present = this.#attempts.get(key)
    if (present) return present
    const made: Attempt[] = []
    this.#attempts.set(key, made)
    return made
  }
}

const nothing: Attempt = { token: '', lazy: false, revision: undefined, takesAlong: [] }
const tokenOf = (row: Row): string => row.value.toString().split(' ')[0]!
