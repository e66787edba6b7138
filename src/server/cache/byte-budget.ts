// What can be made again from stored bytes (parsed objects, served bytes) is kept within one budget; the longest unused goes first.
export interface Forgetful {
  /** Drops what was remembered. */
  forget(): void
}

export class ByteBudget {
  readonly #limit: number
  /** In order of last use. */
  readonly #holders = new Map<Forgetful, number>()
  #used = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get used(): number {
    return this.#used
  }

  /** `holder` keeps `bytes` more. */
  add(holder: Forgetful, bytes: number): void {
    const held = this.#holders.get(holder) ?? 0
    this.#holders.delete(holder)
    this.#holders.set(holder, held + bytes)
    this.#used += bytes
    for (const [oldest, size] of this.#holders) {
      if (this.#used <= this.#limit) return
      this.#holders.delete(oldest)
      this.#used -= size
      oldest.forget()
    }
  }

  touch(holder: Forgetful): void {
    const held = this.#holders.get(holder)
    if (held === undefined) return
    this.#holders.delete(holder)
    this.#holders.set(holder, held)
  }

  /** Everything is forgotten. */
  clear(): void {
    const holders = [...this.#holders.keys()]
    this.#holders.clear()
    this.#used = 0
    for (const holder of holders) holder.forget()
  }
}
