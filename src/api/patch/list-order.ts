// The order of a merged list: items of the patch in the patch's order, items only the server has in the server's, woven by the server's order.
import { stringify } from '../codec/json.ts'

/** An item's identity as text: of its merge key, or of the item itself where there is none. */
export function identityOf(item: unknown, key: string): string {
  const value = key === '' ? item : (item as Record<string, unknown> | null)?.[key]
  return typeof value === 'string' ? `"${value}` : (stringify(value) ?? 'undefined')
}

/** Where each identity comes first. */
export function positions(items: readonly unknown[], key: string): Map<string, number> {
  const found = new Map<string, number>()
  items.forEach((item, i) => {
    const identity = identityOf(item, key)
    if (!found.has(identity)) found.set(identity, i)
  })
  return found
}

interface Parts {
  fromPatch: unknown[]
  fromServer: unknown[]
}

export function partition(items: readonly unknown[], patch: readonly unknown[], key: string): Parts {
  const inPatch = positions(patch, key)
  const parts: Parts = { fromPatch: [], fromServer: [] }
  for (const item of items) (inPatch.has(identityOf(item, key)) ? parts.fromPatch : parts.fromServer).push(item)
  return parts
}

export function arrange({ fromPatch, fromServer, order, serverOrder, key }: Parts & { order: readonly unknown[]; serverOrder: readonly unknown[]; key: string }): unknown[] {
  const server = positions(serverOrder, key)
  const placed = (items: unknown[], by: Map<string, number>) =>
    items.map((item) => ({ item, at: by.get(identityOf(item, key)) ?? -1 })).sort((a, b) => a.at - b.at).map(({ item }) => ({ item, server: server.get(identityOf(item, key)) ?? -1 }))
  const left = placed(fromServer, server)
  const right = placed(fromPatch, positions(order, key))
  const result: unknown[] = []
  let l = 0
  let r = 0
  while (l < left.length && r < right.length) {
    const fromLeft = left[l]!.server >= 0 && right[r]!.server >= 0 && left[l]!.server < right[r]!.server
    result.push(fromLeft ? left[l++]!.item : right[r++]!.item)
  }
  return [...result, ...left.slice(l).map(({ item }) => item), ...right.slice(r).map(({ item }) => item)]
}
