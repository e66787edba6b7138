import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { normalTime, parseLogLine } from './cri-log.ts'
import { readLogs, type LogOptions } from './read-logs.ts'

let directory: string
let path: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mk8s-logs-'))
  path = join(directory, '0.log')
})
afterEach(() => rmSync(directory, { recursive: true }))

const at = (second: number) => `2026-01-01T00:00:0${second}.5Z`
const five = [1, 2, 3, 4, 5].map((n) => `${at(n)} ${n % 2 ? 'stdout' : 'stderr'} F line ${n}\n`).join('')
const still = { stopped: async () => {}, signal: new AbortController().signal }

async function show(options: LogOptions): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of readLogs(path, options, still)) parts.push(part)
  return Buffer.concat(parts).toString()
}

describe('log lines', () => {
  it.each([
    ['2026-01-01T00:00:01Z', '2026-01-01T00:00:01.000000000Z'],
    ['2026-01-01T02:00:01.123+02:00', '2026-01-01T00:00:01.123000000Z'],
    ['2026-01-01T00:00:01.1234567891Z', '2026-01-01T00:00:01.123456789Z'],
    ['yesterday', undefined],
  ])('take the time %s as %s', (text, normal) => expect(normalTime(text)).toBe(normal))

  it.each(['', 'no log', `${at(1)} stdmid F x\n`, `${at(1)} stdout`])('are not %j', (line) => expect(parseLogLine(Buffer.from(line))).toBeUndefined())
})

describe('reading', () => {
  it.each<[string, LogOptions, string]>([
    ['everything', {}, 'line 1\nline 2\nline 3\nline 4\nline 5\n'],
    ['the tail', { tailLines: 2 }, 'line 4\nline 5\n'],
    ['more of a tail than there is', { tailLines: 99 }, 'line 1\nline 2\nline 3\nline 4\nline 5\n'],
    ['nothing of a tail', { tailLines: 0 }, ''],
    ['what is new', { since: '2026-01-01T00:00:04Z' }, 'line 4\nline 5\n'],
    ['a number of bytes', { limitBytes: 9 }, 'line 1\nli'],
    ['one stream', { stream: 'Stderr' }, 'line 2\nline 4\n'],
    ['times', { timestamps: true, tailLines: 1 }, '2026-01-01T00:00:05.500000000Z line 5\n'],
  ])('shows %s', async (_what, options, expected) => {
    writeFileSync(path, five)
    expect(await show(options)).toBe(expected)
  })

  it('joins partial lines under one time', async () => {
    writeFileSync(path, `${at(1)} stdout P one \n${at(1)} stdout P and \n${at(2)} stdout F the same\n${at(3)} stdout F next\n`)
    expect(await show({ timestamps: true })).toBe('2026-01-01T00:00:01.500000000Z one and the same\n2026-01-01T00:00:03.500000000Z next\n')
  })

  it('finds the tail across blocks', async () => {
    writeFileSync(path, Array.from({ length: 5000 }, (_, n) => `${at(1)} stdout F ${'x'.repeat(90)} ${n}\n`).join(''))
    expect((await show({ tailLines: 2000 })).split('\n').map((line) => line.slice(91))[0]).toBe('3000')
  })
})

describe('following', () => {
  it('goes on across a rotation and ends with the container', async () => {
    writeFileSync(path, five)
    const stop = Promise.withResolvers<void>()
    const reader = readLogs(path, { follow: true, tailLines: 1 }, { stopped: () => stop.promise, signal: new AbortController().signal })
    const next = async () => (await reader.next()).value?.toString()
    expect(await next()).toBe('line 5\n')
    const sixth = next()
    appendFileSync(path, `${at(6)} stdout F li`)
    appendFileSync(path, 'ne 6\n')
    expect(await sixth).toBe('line 6\n')
    const seventh = next()
    renameSync(path, `${path}.1`)
    appendFileSync(`${path}.1`, `${at(7)} stdout F line 7\n`)
    writeFileSync(path, `${at(8)} stdout F line 8\n`)
    expect([await seventh, await next()]).toEqual(['line 7\n', 'line 8\n'])
    const last = next()
    appendFileSync(path, `${at(9)} stdout F line 9\n`)
    stop.resolve()
    expect([await last, await next()]).toEqual(['line 9\n', undefined])
  })

  it('ends when the reader has gone', async () => {
    writeFileSync(path, five)
    const gone = new AbortController()
    const reader = readLogs(path, { follow: true, tailLines: 1 }, { stopped: () => new Promise(() => {}), signal: gone.signal })
    await reader.next()
    const end = reader.next()
    gone.abort()
    expect((await end).done).toBe(true)
  })
})
