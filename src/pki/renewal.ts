// Renews certificates while the server runs: a box may be up for years. Looks once a day, after each jump of the wall clock, and when asked.
import type { Clock } from '../base/clock.ts'
import type { Component } from '../base/component.ts'
import type { Logger } from '../base/logger.ts'
import { day } from './inspect.ts'
import { certificatesOf, type ServerPki } from './server-pki.ts'

interface PkiRenewalOptions {
  current: ServerPki
  /** `ensureServerPki` with the options it was called with first. */
  ensure(): Promise<ServerPki>
  /** Something is new; the server takes it for connections from now on. */
  onRenewed(pki: ServerPki): void
  clock: Clock
  log: Logger
}

export interface PkiRenewal extends Component {
  /** Makes anew what is missing, near its end or for other names. @returns the files of what is new */
  renew(): Promise<readonly string[]>
}

export function createPkiRenewal({ current, ensure, onRenewed, clock, log }: PkiRenewalOptions): PkiRenewal {
  let known = current
  let looking: Promise<unknown> = Promise.resolve()

  /** One at a time: two would make two certificates for one key. */
  const renew = (): Promise<readonly string[]> => {
    const looked = looking.then(look)
    looking = looked.catch(() => {})
    return looked
  }
  async function look(): Promise<readonly string[]> {
    const now = await ensure()
    const before = new Map(certificatesOf(known).map(({ certificatePath, certificate }) => [certificatePath, certificate]))
    const renewed = certificatesOf(now).filter(({ certificatePath, certificate }) => before.get(certificatePath) !== certificate).map(({ certificatePath }) => certificatePath)
    if (renewed.length === 0) return []
    log.info('certificates were renewed', { files: renewed, until: new Date(now.notAfter).toISOString() })
    onRenewed((known = now))
    return renewed
  }

  return {
    name: 'certificate-renewal',
    renew,
    async start() {
      let stopped = false
      const lookByItself = () => renew().catch((error: unknown) => log.error('certificates could not be renewed', { error }))
      const daily = async () => {
        await lookByItself()
        if (!stopped) timer = clock.after(day, daily)
      }
      let timer = clock.after(day, daily)
      const stopListening = clock.onJump(() => void lookByItself())
      return {
        failed: new Promise<never>(() => {}),
        async stop() {
          stopped = true
          stopListening()
          timer.cancel()
          await looking
        },
      }
    },
  }
}
