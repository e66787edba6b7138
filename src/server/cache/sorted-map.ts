// Entries in key order, cheap to freeze: leaves of a few hundred entries, shared with every snapshot until they are written again.
interface Keyed {
  readonly key: string
}

const leafLimit = 256

/** First position in `leaf` whose key is not below `key`. */
function lowerBound(leaf: readonly Keyed[], key: string): number {
  let low = 0
  let high = leaf.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (leaf[middle]!.key < key) low = middle + 1
    else high = middle
  }
  return low
}

/** The leaf that holds `key` or would: the last one that does not begin beyond it. */
function leafOf(leaves: readonly (readonly Keyed[])[], key: string): number {
  let low = 0
  let high = leaves.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (leaves[middle]![0]!.key <= key) low = middle + 1
    else high = middle
  }
  return Math.max(0, low - 1)
}

/** A sequence of entries that never changes. */
export class SortedView<T extends Keyed> {
  protected leaves: T[][]
  #size: number

  constructor(leaves: T[][] = [], size = 0) {
    this.leaves = leaves
    this.#size = size
  }

  get size(): number {
    return this.#size
  }

  protected set size(size: number) {
    this.#size = size
  }

  get(key: string): T | undefined {
    const leaf = this.leaves[leafOf(this.leaves, key)]
    const found = leaf?.[lowerBound(leaf, key)]
    return found?.key === key ? found : undefined
  }

  /** Entries with `from <= key < end`. */
  *range(from: string, end: string): Generator<T, void, void> {
    for (let at = leafOf(this.leaves, from); at < this.leaves.length; at++) {
      const leaf = this.leaves[at]!
      for (let i = lowerBound(leaf, from); i < leaf.length; i++) {
        if (leaf[i]!.key >= end) return
        yield leaf[i]!
      }
    }
  }

  /** How many entries have `from <= key < end`. */
  count(from: string, end: string): number {
    return Math.max(0, this.#rank(end) - this.#rank(from))
  }

  #rank(key: string): number {
    if (this.leaves.length === 0) return 0
    const last = leafOf(this.leaves, key)
    let rank = lowerBound(this.leaves[last]!, key)
    for (let at = 0; at < last; at++) rank += this.leaves[at]!.length
    return rank
  }
}

export class SortedMap<T extends Keyed> extends SortedView<T> {
  /** Leaves no snapshot has seen; those alone are changed in place. */
  #own = new Set<T[]>()
  #ownsList = false

  /** A map that begins with what `view` has. */
  static from<T extends Keyed>(view: SortedView<T>): SortedMap<T> {
    return new SortedMap(view['leaves'], view.size)
  }

  snapshot(): SortedView<T> {
    this.#own.clear()
    this.#ownsList = false
    return new SortedView(this.leaves, this.size)
  }

  /** @returns the entry that had this key. */
  set(entry: T): T | undefined {
    if (this.leaves.length === 0) {
      this.#replace(0, 0, [[entry]])
      this.size = 1
      return undefined
    }
    const at = leafOf(this.leaves, entry.key)
    const leaf = this.#writable(at)
    const position = lowerBound(leaf, entry.key)
    const present = leaf[position]
    if (present?.key === entry.key) {
      leaf[position] = entry
      return present
    }
    if (position === leaf.length) leaf.push(entry)
    else leaf.splice(position, 0, entry)
    this.size++
    if (leaf.length > leafLimit) this.#split(at, leaf, position)
    return undefined
  }

  /** @returns the entry that had this key. */
  delete(key: string): T | undefined {
    const present = this.get(key)
    if (!present) return undefined
    const at = leafOf(this.leaves, key)
    const leaf = this.#writable(at)
    leaf.splice(lowerBound(leaf, key), 1)
    if (leaf.length === 0) this.#replace(at, 1, [])
    this.size--
    return present
  }

  /** Where keys only grow (a load in key order) full leaves are left full. */
  #split(at: number, leaf: T[], position: number): void {
    const middle = position === leaf.length - 1 ? leafLimit : leaf.length >>> 1
    this.#replace(at, 1, [leaf.slice(0, middle), leaf.slice(middle)])
  }

  #writable(at: number): T[] {
    const leaf = this.leaves[at]!
    if (this.#own.has(leaf)) return leaf
    const copy = leaf.slice()
    this.#replace(at, 1, [copy])
    return copy
  }

  #replace(at: number, removed: number, added: T[][]): void {
    if (!this.#ownsList) this.leaves = this.leaves.slice()
    this.#ownsList = true
    for (let i = at; i < at + removed; i++) this.#own.delete(this.leaves[i]!)
    for (const leaf of added) this.#own.add(leaf)
    this.leaves.splice(at, removed, ...added)
  }
}
