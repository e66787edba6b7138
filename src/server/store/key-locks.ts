// One writer a key: read, change and write of an object follow each other without a conflict between requests of this process.

export interface KeyLocks {
  run<T>(key: string, work: () => Promise<T>): Promise<T>
}

export function createKeyLocks(): KeyLocks {
  const tails = new Map<string, Promise<unknown>>()
  return {
    run(key, work) {
      const before = tails.get(key)
      const mine = before ? before.then(work, work) : work()
      tails.set(key, mine)
      const leave = () => {
        if (tails.get(key) === mine) tails.delete(key)
      }
      mine.then(leave, leave)
      return mine
    },
  }
}
