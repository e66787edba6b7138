// Sets of completion indexes, as intervals in order and in the text form of a job's status: "0,2-4,7" (source: pkg/controller/job/indexed_job_utils.go).

interface Interval {
  first: number
  last: number
}

export type Indexes = readonly Interval[]

/** Of `text` what lies below `completions`; what is no index is left out. */
export function parseIndexes(text: string | undefined, completions: number): Indexes {
  const found: Interval[] = []
  for (const part of text ? text.split(',') : []) {
    const [first, last = first] = part.split('-').map((end) => (/^\d+$/.test(end) ? Number(end) : NaN))
    if (first === undefined || last === undefined || Number.isNaN(first) || Number.isNaN(last)) continue
    if (first >= completions) break
    found.push({ first, last: Math.min(last, completions - 1) })
  }
  return union(found)
}

/** Two neighbours are written with a comma, more with a hyphen. */
export const formatIndexes = (indexes: Indexes): string =>
  indexes.map(({ first, last }) => (first === last ? `${first}` : `${first}${last === first + 1 ? ',' : '-'}${last}`)).join(',')

export const indexesOf = (numbers: Iterable<number>): Indexes => union([...numbers].map((n) => ({ first: n, last: n })))

export function union(...sets: readonly Indexes[]): Indexes {
  const merged: Interval[] = []
  for (const next of sets.flat().sort((a, b) => a.first - b.first)) {
    const before = merged.at(-1)
    if (!before || next.first > before.last + 1) merged.push({ ...next })
    else before.last = Math.max(before.last, next.last)
  }
  return merged
}

export const total = (indexes: Indexes): number => indexes.reduce((sum, { first, last }) => sum + last - first + 1, 0)

export const hasIndex = (indexes: Indexes, index: number): boolean => indexes.some(({ first, last }) => first <= index && index <= last)

/** How many indexes are in both. */
export function overlap(a: Indexes, b: Indexes): number {
  let common = 0
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    common += Math.max(0, Math.min(a[i]!.last, b[j]!.last) - Math.max(a[i]!.first, b[j]!.first) + 1)
    if (a[i]!.last < b[j]!.last) i++
    else j++
  }
  return common
}

/** The lowest `count` indexes below `completions` that are not in `taken`. */
export function firstFree(taken: Indexes, count: number, completions: number): number[] {
  const free: number[] = []
  let candidate = 0
  for (const { first, last } of [...taken, { first: completions, last: completions }]) {
    while (candidate < Math.min(first, completions) && free.length < count) free.push(candidate++)
    candidate = Math.max(candidate, last + 1)
  }
  return free
}
