/** A number, or a percentage of `total`. Undefined counts as 0. */
export function scaledValue(value: number | string | undefined, total: number, round: 'up' | 'down'): number {
  if (value === undefined) return 0
  if (typeof value === 'number') return value
  const exact = (Number(value.replace(/%$/, '')) * total) / 100
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact)
}
