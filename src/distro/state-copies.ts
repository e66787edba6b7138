// Copies of the state by schedule, the newest of which are kept. Nothing is written when nothing durable has changed since the last one.
// The archive is made by a process of its own (`mk8s backup`), so that its memory goes when it is done.
import { isSea } from 'node:sea'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { copyName, listCopies, pruneCopies } from '../backup/copies.ts'
import { fingerprint } from '../backup/create.ts'
import { passphraseVariable } from '../backup/passphrase-variable.ts'
import { run } from '../base/child-process.ts'
import type { Clock, Timer } from '../base/clock.ts'
import type { Component } from '../base/component.ts'
import type { Logger } from '../base/logger.ts'
import { ConfigError } from '../config/load.ts'
import type { ServerConfig } from '../config/server-config.ts'
import { zoneNamed } from '../controllers/cronjob/local-time.ts'
import { parseSchedule, type Schedule } from '../controllers/cronjob/schedule.ts'
import { copiesDirectory, placesOf } from './state-archives.ts'

/** A start has other things to do first. */
const firstLook = 5 * 60_000
/** The wall clock may be set meanwhile. */
const longestWait = 3600_000

interface StateCopiesOptions {
  config: ServerConfig
  /** What the storage says of itself now. */
  describe(): Promise<{ revision: number; mark: string }>
  /** Makes an archive at the path. */
  make?(path: string, signal: AbortSignal): Promise<void>
  clock: Clock
  log: Logger
}

/** @throws ConfigError when the schedule is none. */
export function stateCopies(options: StateCopiesOptions): Component {
  const { config, clock, log, make = makeByCommand(config) } = options
  const schedule = scheduleOf(config.etcdSnapshotScheduleCron)
  const directory = copiesDirectory(config)

  /** A copy is made, or was not needed. */
  async function copy(signal: AbortSignal): Promise<void> {
    const { revision, mark } = await options.describe()
    const content = fingerprint(placesOf(config), mark)
    if (listCopies(directory)[0]?.content === content) return log.debug('nothing has changed since the last copy of the state')
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const path = join(directory, copyName({ time: clock.now(), revision, content }))
    await make(path, signal)
    pruneCopies(directory, config.etcdSnapshotRetention)
    log.info('the state was copied', { path })
  }

  return {
    name: 'copies of the state',
    async start() {
      const stopping = new AbortController()
      let looking = Promise.resolve()
      let timer: Timer
      // By the newest copy's time; a time to come means that the clock was wrong then.
      let last = listCopies(directory)[0]?.time ?? 0
      const untilDue = () => (schedule.next((last = Math.min(last, clock.now()))) ?? Infinity) - clock.now()
      const look = async () => {
        if (untilDue() <= 0) {
          try {
            await copy(stopping.signal)
            last = clock.now()
          } catch (error) {
            if (!stopping.signal.aborted) log.error('the state could not be copied; this is tried again within an hour', { error })
          }
        }
        const wait = untilDue()
        if (!stopping.signal.aborted) plan(wait <= 0 ? longestWait : Math.min(longestWait, wait))
      }
      const plan = (milliseconds: number) => void (timer = clock.after(milliseconds, () => void (looking = look())))
      plan(firstLook)
      return {
        failed: new Promise(() => {}),
        async stop() {
          stopping.abort()
          timer.cancel()
          await looking
        },
      }
    },
  }
}

function scheduleOf(text: string): Schedule {
  try {
    return parseSchedule(text, zoneNamed(Intl.DateTimeFormat().resolvedOptions().timeZone))
  } catch (error) {
    throw new ConfigError(`--etcd-snapshot-schedule-cron: ${JSON.stringify(text)} is no schedule such as "0 */12 * * *" (${(error as Error).message})`)
  }
}

const makeByCommand = ({ dataDir, config, privateRegistry, nodeName }: ServerConfig) => async (path: string, signal: AbortSignal): Promise<void> => {
  const program = isSea() ? [] : [process.argv[1]!]
  const options = ['--data-dir', dataDir, '--private-registry', privateRegistry, '--node-name', nodeName, ...(config ? ['--config', config] : [])]
  const { code, stderr } = await run(process.execPath, [...program, 'backup', ...options, path], { signal, env: { [passphraseVariable]: '' } })
  if (code !== 0) throw new Error(stderr.trim().replace(/^mk8s: /, ''))
}
