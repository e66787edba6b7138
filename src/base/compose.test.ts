import { expect, test } from 'vitest'
import type { Component } from './component.ts'
import { inParallel } from './compose.ts'

test('one that cannot start ends the starts of the others, and stops those that have started', async () => {
  const stopped: string[] = []
  const starts: Component = { name: 'starts', start: async () => ({ failed: new Promise(() => {}), stop: async () => void stopped.push('starts') }) }
  const waits: Component = { name: 'waits', start: (signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('given up')))) }
  const fails: Component = { name: 'fails', start: async () => Promise.reject(new Error('no iptables')) }
  await expect(inParallel('all', [starts, waits, fails]).start(new AbortController().signal)).rejects.toThrow('no iptables')
  expect(stopped).toEqual(['starts'])
})
