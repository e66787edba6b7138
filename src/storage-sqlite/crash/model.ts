// What a writer that may die at any moment has tried and been told, and what a store may hold afterwards.
import type { Row } from '../../storage/storage.ts'

export const writers = 24
export const keysOf = (writer: number): string[] => [0, 1, 2].map((n) => `${writer % 4 === 3 ? 'leases' : 'pods'}/${writer}/${n}`)
export const isLazyWriter = (writer: number): boolean => writer % 4 === 3

/** A value that shows when a part of it is missing. Empty: the row is absent. */
export const valueOf = (token: string): Buffer => Buffer.from(`${token} `.padEnd(10 + (token.length * 977 + token.charCodeAt(token.length - 1) * 131) % 4000, token))

interface Attempt {
  /** Empty: a deletion. */
  token: string
  lazy: boolean
  revision: number | undefined
}

export class Model {
  readonly #attempts = new Map<string, Attempt[]>()
  readonly #revisions = new Set<number>()
  #highest = 0

  /** Lines: `T key token lazy` when a write begins, `A key revision` when it is acknowledged. */
  read(line: string): void {
    const [what, key, third, lazy] = line.split('\t') as [string, string, string, string | undefined]
    if (what === 'T') return void this.#of(key).push({ token: third, lazy: lazy === '1', revision: undefined })
    const revision = Number(third)
    if (this.#revisions.has(revision)) throw new Error(`revision ${revision} was handed out twice`)
    this.#revisions.add(revision)
    this.#highest = Math.max(this.#highest, revision)
    this.#of(key).at(-1)!.revision = revision
  }

  /** Compares with what the store has after a restart, and begins anew from there. @returns what is wrong. */
  check(rows: readonly Row[], revision: number): string[] {
    const wrong = revision < this.#highest ? [`the store is at ${revision}, ${this.#highest} was handed out`] : []
    const byKey = new Map(rows.map((row) => [row.key, row]))
    for (const key of new Set([...this.#attempts.keys(), ...byKey.keys()])) wrong.push(...this.#checkKey(key, byKey.get(key)))
    for (const row of rows) this.#attempts.set(row.key, [{ token: tokenOf(row), lazy: false, revision: row.revision }])
    for (const key of this.#attempts.keys()) if (!byKey.has(key)) this.#attempts.delete(key)
    return wrong
  }

  #checkKey(key: string, row: Row | undefined): string[] {
    const attempts = this.#of(key)
    const durable = attempts.findLastIndex((a) => a.revision !== undefined && !a.lazy)
    const possible = durable < 0 ? [{ token: '', lazy: false, revision: undefined }, ...attempts] : attempts.slice(durable)
    const token = row ? tokenOf(row) : ''
    const found = possible.findLast((a) => a.token === token)
    if (!found) return [`${key} holds ${token || 'nothing'}, possible: ${possible.map((a) => a.token || 'nothing').join(' ')}`]
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

const tokenOf = (row: Row): string => row.value.toString().split(' ')[0]!
