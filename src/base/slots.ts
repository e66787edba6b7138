// Works that share a scarce thing: so many at once, the others by rank, those of one rank in order.

export type Slots = <T>(work: () => Promise<T>, rank?: number) => Promise<T>

/** None begins before `opened`; default: at once. */
export function createSlots(count: number, opened?: Promise<unknown>): Slots {
  let free = opened ? 0 : count
  const waiting: { rank: number; begin: () => void }[] = []
  const release = () => {
    const next = waiting.shift()
    if (next) next.begin()
    else free++
  }
  void opened?.then(() => {
    for (let i = 0; i < count; i++) release()
  })
  return async (work, rank = 0) => {
    if (free > 0) free--
    else {
      await new Promise<void>((begin) => {
        const at = waiting.findLastIndex((other) => other.rank >= rank) + 1
        waiting.splice(at, 0, { rank, begin })
      })
    }
    try {
      return await work()
    } finally {
      release()
    }
  }
}
