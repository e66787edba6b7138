import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { createLogger } from '../base/logger.ts'
import { chooseNodeName, nodeNameKeeper } from './node-name.ts'

let dataDirectory: string
beforeEach(() => void (dataDirectory = mkdtempSync(join(tmpdir(), 'node-name-'))))
afterEach(() => rmSync(dataDirectory, { recursive: true }))

/** One start; what it logged at level warn. */
async function start(given: string | undefined, hostname: string): Promise<{ name: string; warned: string[] }> {
  const warned: string[] = []
  const name = chooseNodeName({ dataDirectory, given, hostname })
  const log = createLogger({ level: 'warn', format: 'text', clock: systemClock, write: (line) => void warned.push(line) })
  await nodeNameKeeper({ dataDirectory, name, hostname, log }).start(new AbortController().signal)
  return { name, warned }
}

test('the first name stays, whatever the machine is called later', async () => {
  expect(await start(undefined, 'box')).toEqual({ name: 'box', warned: [] })
  expect(await start(undefined, 'dhcp-17')).toEqual({ name: 'box', warned: [] })
  expect(await start(undefined, 'not_a_node')).toEqual({ name: 'box', warned: [] })
})

test('a name that is given counts, and is said to be another', async () => {
  await start(undefined, 'box')
  const { name, warned } = await start('other', 'box')
  expect(name).toBe('other')
  expect(warned).toEqual([expect.stringMatching(/another name than before.*before=box now=other/)])
  expect(await start(undefined, 'box')).toEqual({ name: 'other', warned: [] })
})

test('a host name that cannot be a node name is told', () => {
  expect(() => chooseNodeName({ dataDirectory, given: undefined, hostname: 'my_box' })).toThrow('the host name "my_box" is not a node name (lower case letters, digits, \'-\' and \'.\'): choose a name with --node-name')
})
