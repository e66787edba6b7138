// Scopes as ranges of keys, and who listens to which scope.

/** `pods/` of `pods/default/web`. */
export const collectionOf = (key: string): string => key.slice(0, key.indexOf('/') + 1)

/** The half-open range of keys in a scope. */
export const rangeOf = (scope: string): { from: string; end: string } =>
  scope.endsWith('/') ? { from: scope, end: scope.slice(0, -1) + '0' } : { from: scope, end: scope + '\0' }

export const inScope = (key: string, scope: string): boolean => (scope.endsWith('/') ? key.startsWith(scope) : key === scope)

/** Members by scope; a key is looked up in its collection, its namespace and by itself. */
export class ScopeMap<T> {
  readonly #members = new Map<string, Set<T>>()

  add(scope: string, member: T): void {
    const set = this.#members.get(scope)
    if (set) set.add(member)
    else this.#members.set(scope, new Set([member]))
  }

  remove(scope: string, member: T): void {
    const set = this.#members.get(scope)
    if (set?.delete(member) && set.size === 0) this.#members.delete(scope)
  }

  /** Calls `visit` for each member whose scope has `key`. */
  forKey(key: string, visit: (member: T) => void): void {
    if (this.#members.size === 0) return
    const first = key.indexOf('/')
    const second = key.indexOf('/', first + 1)
    this.#members.get(key.slice(0, first + 1))?.forEach(visit)
    if (second > 0) this.#members.get(key.slice(0, second + 1))?.forEach(visit)
    this.#members.get(key)?.forEach(visit)
  }

  all(): T[] {
    return [...this.#members.values()].flatMap((set) => [...set])
  }
}
