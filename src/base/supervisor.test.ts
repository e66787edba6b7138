import { expect, test } from 'vitest'
import { FakeClock } from './clock.ts'
import type { Component } from './component.ts'
import { silentLogger } from './logger.ts'
import { supervise } from './supervisor.ts'

function recorded() {
  const log: string[] = []
  const fail: Record<string, (error: Error) => void> = {}
  const component = (name: string, stop: () => Promise<void> = async () => {}): Component => ({
    name,
    async start() {
      log.push(`start ${name}`)
      return { failed: new Promise((resolve) => (fail[name] = resolve)), stop: () => (log.push(`stop ${name}`), stop()) }
    },
  })
  return { log, fail, component }
}
const options = (components: Component[], clock = new FakeClock()) => ({ components, clock, log: silentLogger, stopMilliseconds: async () => 1000 })

test('starts in order, stops in reverse', async () => {
  const { log, component } = recorded()
  const end = new AbortController()
  const done = supervise(options([component('a'), component('b')]), end.signal, () => end.abort())
  expect(await done).toBeUndefined()
  expect(log).toEqual(['start a', 'start b', 'stop b', 'stop a'])
})

test('one failing stops all and says which', async () => {
  const { log, fail, component } = recorded()
  const failure = await supervise(options([component('a'), component('b')]), new AbortController().signal, () => fail.a!(new Error('disk')))
  expect(failure?.message).toBe('a: disk')
  expect(log.slice(2)).toEqual(['stop b', 'stop a'])
})

test('one that cannot start rejects, and what runs is stopped', async () => {
  const { log, component } = recorded()
  const broken: Component = { name: 'x', start: async () => Promise.reject(new Error('no port')) }
  await expect(supervise(options([component('a'), broken]), new AbortController().signal, () => {})).rejects.toThrow('no port')
  expect(log).toEqual(['start a', 'stop a'])
})

test('one that hangs does not hold up the end past the deadline', async () => {
  const { log, component } = recorded()
  const clock = new FakeClock()
  const end = new AbortController()
  const hang = () => new Promise<void>(() => queueMicrotask(() => clock.advance(1000)))
  expect(await supervise(options([component('a'), component('b', hang)], clock), end.signal, () => end.abort())).toBeUndefined()
  expect(log).toContain('stop a')
})
