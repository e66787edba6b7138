// Writes as fast as it can and keeps a diary of it: `node writer.ts <database> <diary> <round> [writes [pause in ms]]`. Without a number of writes until
// it is killed; else it pauses after them, writes some more and ends: in even rounds without a word, in odd ones cleanly.
import { openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import { startSourceWorker } from '../source-worker.ts'
import { openSqliteStorage } from '../sqlite-storage.ts'
import { isLazyWriter, keysOf, valueOf, writers } from './model.ts'

const [path, diaryPath, round, writes = 'Infinity', pause = '0'] = process.argv.slice(2) as [string, string, string, string?, string?]
const diary = openSync(diaryPath, 'a')
const storage = await openSqliteStorage({ path, startWorker: startSourceWorker, clock: systemClock, log: silentLogger, lazyMilliseconds: 50 })
const revisions = new Map((await storage.list('')).rows.map((row) => [row.key, row.revision]))
const say = (...words: (string | number)[]) => writeSync(diary, words.join('\t') + '\n')

async function write(key: string, token: string, lazy: boolean): Promise<void> {
  const expected = revisions.get(key)
  const deletes = expected !== undefined && Math.random() < (lazy ? 0.001 : 0.1)
  say('T', key, deletes ? '' : token, Number(lazy && !deletes))
  if (deletes) {
    say('A', key, await storage.delete(key, expected))
    revisions.delete(key)
    return
  }
  const revision = await (expected === undefined ? storage.create(key, valueOf(token), { lazy }) : storage.update(key, valueOf(token), expected, { lazy }))
  revisions.set(key, revision)
  say('A', key, revision)
}

// In every other round the lazy writers are alone, so that what they wrote is not in the file at once with the writes of others.
const working = Array.from({ length: writers }, (_, writer) => writer).filter((writer) => Number(round) % 2 === 0 || isLazyWriter(writer))

async function writeAll(phase: string, count: number): Promise<void> {
  let left = count
  await Promise.all(working.map(async (writer) => {
    const keys = keysOf(writer)
    for (let n = 0; left-- > 0; n++) await write(keys[n % keys.length]!, `${phase}${round}-${writer}-${n}`, isLazyWriter(writer) && n % 100 !== 99)
  }))
}

process.stdout.write('writing\n')
await writeAll('', Number(writes))
await sleep(Number(pause))
await writeAll('again', Number(writes) / 5)
if (Number(round) % 2 === 0) process.kill(process.pid, 'SIGKILL')
await storage.close()
