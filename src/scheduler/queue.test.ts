import { expect, test } from 'vitest'
import { FakeClock } from '../base/clock.ts'
import { SchedulingQueue } from './queue.ts'

function setUp() {
  const clock = new FakeClock()
  let woken = 0
  const queue = new SchedulingQueue({ clock, wake: () => woken++ })
  return { clock, queue, woken: () => woken }
}

test('by priority, then by turn', () => {
  const { queue } = setUp()
  queue.add('a', 0)
  queue.add('b', 5)
  queue.add('c', 0)
  expect([queue.next(), queue.next(), queue.next(), queue.next()]).toEqual(['b', 'a', 'c', undefined])
})

test('one that failed waits for a change that helps, and for its back-off', () => {
  const { queue, clock, woken } = setUp()
  queue.add('a', 0)
  queue.next()
  queue.failed('a', new Set(['pod-gone']))
  queue.clusterChanged('node')
  clock.advance(60_000)
  expect(queue.next()).toBeUndefined()
  const before = woken()
  queue.clusterChanged('pod-gone')
  expect(woken()).toBe(before + 1)
  expect(queue.next()).toBe('a')
  queue.failed('a', new Set(['pod-gone']))
  queue.clusterChanged('pod-gone')
  expect(queue.next()).toBeUndefined()
  clock.advance(2000)
  expect(queue.next()).toBe('a')
})

test('a change during the attempt is not lost', () => {
  const { queue, clock } = setUp()
  queue.add('a', 0)
  queue.next()
  queue.clusterChanged('node')
  queue.failed('a', new Set(['node']))
  clock.advance(1000)
  expect(queue.next()).toBe('a')
})

test('one that changed or went is tried at once or never', () => {
  const { queue } = setUp()
  queue.add('a', 0)
  queue.next()
  queue.failed('a', new Set(['node']))
  queue.add('a', 0)
  expect(queue.next()).toBe('a')
  queue.delete('a')
  queue.failed('a', new Set(['node']))
  queue.clusterChanged('node')
  expect(queue.next()).toBeUndefined()
})
