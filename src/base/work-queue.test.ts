import { expect, test } from 'vitest'
import { FakeClock } from './clock.ts'
import { createWorkQueue } from './work-queue.ts'

test('a key is never worked on twice at a time, and one added meanwhile comes again once', async () => {
  const done: string[] = []
  let release = () => {}
  let inside = 0
  const queue = createWorkQueue({
    clock: new FakeClock(), concurrency: 4, random: () => 0,
    async work(key) {
      expect(++inside).toBe(1)
      await new Promise<void>((resolve) => (release = resolve))
      inside--
      done.push(key)
      return undefined
    },
  })
  queue.add('a')
  queue.add('a')
  await new Promise((resolve) => setImmediate(resolve))
  queue.add('a')
  queue.add('a')
  release()
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  release()
  await queue.idle()
  expect(done).toEqual(['a', 'a'])
})

test('failures bring a key back after growing pauses; a success forgets them', async () => {
  const clock = new FakeClock()
  const waits: number[] = []
  let failing = true
  const queue = createWorkQueue({
    clock, concurrency: 1, random: () => 0, retry: { initialMilliseconds: 10, maximumMilliseconds: 40 },
    async work() {
      if (failing) throw new Error('no')
      return undefined
    },
    onFailure: (_key, _error, wait) => void waits.push(wait),
  })
  queue.add('a')
  for (let i = 0; i < 4; i++) (await queue.idle(), clock.advance(100))
  failing = false
  await queue.idle()
  failing = true
  queue.add('a')
  await queue.idle()
  expect(waits).toEqual([10, 20, 40, 40, 10])
  await queue.stop()
})

test('the earliest of several times counts', async () => {
  const clock = new FakeClock()
  let times = 0
  const queue = createWorkQueue({ clock, concurrency: 1, random: () => 0, work: async () => void times++ as undefined })
  queue.addAfter('a', 500)
  queue.addAfter('a', 100)
  queue.addAfter('a', 300)
  clock.advance(100)
  await queue.idle()
  expect(times).toBe(1)
  clock.advance(1000)
  await queue.idle()
  expect(times).toBe(1)
})

test('what was to come later comes at once when there is a hurry', async () => {
  const clock = new FakeClock()
  const seen: string[] = []
  const queue = createWorkQueue({ clock, concurrency: 1, random: () => 0, work: async (key) => void seen.push(key) as undefined })
  queue.addAfter('a', 500)
  queue.addAfter('b', 700)
  queue.hurry()
  await queue.idle()
  expect(seen).toEqual(['a', 'b'])
  clock.advance(1000)
  await queue.idle()
  expect(seen).toEqual(['a', 'b'])
})
