import { expect, test } from 'vitest'
import type { Component } from './component.ts'
import { renewable } from './renewable.ts'

test('one runs at a time, and the last one is stopped', async () => {
  const events: string[] = []
  let made = 0
  const make = (): Component => {
    const number = ++made
    return {
      name: 'part',
      async start() {
        events.push(`start ${number}`)
        return { failed: new Promise(() => {}), stop: async () => void events.push(`stop ${number}`) }
      },
    }
  }
  const part = renewable('part', make)
  await part.renew()
  expect(events).toEqual([])
  const running = await part.start(new AbortController().signal)
  await Promise.all([part.renew(), part.renew()])
  await running.stop(new AbortController().signal)
  await part.renew()
  expect(events).toEqual(['start 1', 'stop 1', 'start 2', 'stop 2', 'start 3', 'stop 3'])
})

test('what cannot start again has failed', async () => {
  let broken = false
  const part = renewable('part', () => ({
    name: 'part',
    async start() {
      if (broken) throw new Error('no more')
      return { failed: new Promise(() => {}), stop: async () => {} }
    },
  }))
  const running = await part.start(new AbortController().signal)
  broken = true
  await part.renew()
  expect((await running.failed).message).toBe('no more')
  await running.stop(new AbortController().signal)
})
