// Lets so many through at a time; the others wait in line.
interface Gate {
  through<T>(work: () => Promise<T>): Promise<T>
}

export function createGate(most: number): Gate {
  let inside = 0
  const waiting: (() => void)[] = []
  return {
    async through(work) {
      if (inside >= most) await new Promise<void>((resolve) => waiting.push(resolve))
      else inside++
      try {
        return await work()
      } finally {
        // whoever is next takes over the place
        const next = waiting.shift()
        if (next) next()
        else inside--
      }
    },
  }
}
