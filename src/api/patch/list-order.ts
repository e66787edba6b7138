// The order of a merged list: items of the patch in the patch's order, items only the server has in the server's, woven by the server's order.
import { deepEqual } from './deep-equal.ts'

const keyed = (item: unknown, key: string): unknown => (key === '' ? item : (item as Record<string, unknown> | null)?.[key])
const indexIn = (list: readonly unknown[], item: unknown, key: string): number => list.findIndex((other) => deepEqual(keyed(other, key), keyed(item, key)))

export interface Parts {
  fromPatch: unknown[]
  fromServer: unknown[]
}

export function partition(items: readonly unknown[], patch: readonly unknown[], key: string): Parts {
  const parts: Parts = { fromPatch: [], fromServer: [] }
  for (const item of items) (indexIn(patch, item, key) >= 0 ? parts.fromPatch : parts.fromServer).push(item)
  return parts
}

export function arrange({ fromPatch, fromServer, order, serverOrder, key }: Parts & { order: readonly unknown[]; serverOrder: readonly unknown[]; key: string }): unknown[] {
  const sorted = (items: unknown[], by: readonly unknown[]) => items.map((item) => ({ item, at: indexIn(by, item, key) })).sort((a, b) => a.at - b.at).map(({ item }) => item)
  const left = sorted(fromServer, serverOrder)
  const right = sorted(fromPatch, order)
  const result: unknown[] = []
  while (left.length && right.length) {
    const l = indexIn(serverOrder, left[0], key)
    const r = indexIn(serverOrder, right[0], key)
    result.push(l >= 0 && r >= 0 && l < r ? left.shift() : right.shift())
  }
  return [...result, ...left, ...right]
}
