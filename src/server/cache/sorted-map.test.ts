import { expect, it } from 'vitest'
import { SortedMap } from './sorted-map.ts'

/** A small generator with a seed: the same sequence in every run. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state % below
  }
}

const key = (n: number) => `k${String(n).padStart(5, '0')}`

it('behaves as a plain map under random writes, and snapshots stay as they were', () => {
  const next = random(7)
  const map = new SortedMap<{ key: string; n: number }>()
  const model = new Map<string, number>()
  const snapshots: { view: ReturnType<typeof map.snapshot>; expected: [string, number][] }[] = []
  const sorted = () => [...model].sort(([a], [b]) => (a < b ? -1 : 1))
  for (let step = 0; step < 20_000; step++) {
    const k = key(next(3000))
    if (next(3) === 0) {
      expect(map.delete(k)?.n).toBe(model.get(k))
      model.delete(k)
    } else {
      expect(map.set({ key: k, n: step })?.n).toBe(model.get(k))
      model.set(k, step)
    }
    if (step % 2500 === 0) snapshots.push({ view: map.snapshot(), expected: sorted() })
  }
  snapshots.push({ view: map.snapshot(), expected: sorted() })
  for (const { view, expected } of snapshots) {
    expect(view.size).toBe(expected.length)
    expect([...view.range('', '~')].map((e) => [e.key, e.n])).toEqual(expected)
    const [from, end] = [key(700), key(2100)]
    const within = expected.filter(([k]) => k >= from && k < end)
    expect(view.count(from, end)).toBe(within.length)
    expect([...view.range(from, end)].map((e) => e.key)).toEqual(within.map(([k]) => k))
    for (const [k, n] of within.slice(0, 20)) expect(view.get(k)?.n).toBe(n)
  }
})

it('is empty again after all is deleted', () => {
  const map = new SortedMap<{ key: string }>()
  for (let n = 0; n < 1000; n++) map.set({ key: key(n) })
  for (let n = 0; n < 1000; n++) map.delete(key(n))
  expect([map.size, [...map.range('', '~')], map.count('', '~'), map.get(key(1))]).toEqual([0, [], 0, undefined])
})
