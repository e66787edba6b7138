// Renews certificates while the server runs: a box may be up for years. Looks once a day, because the wall clock may have jumped meanwhile.
import type { Clock } from '../base/clock.ts'
import type { Component } from '../base/component.ts'
import type { Logger } from '../base/logger.ts'
import { day } from './inspect.ts'
import type { ServerPki } from './server-pki.ts'

interface PkiRenewalOptions {
  current: ServerPki
  /** `ensureServerPki` with the options it was called with first. */
  ensure(): Promise<ServerPki>
  /** Something is new; the server takes it for connections from now on. */
  onRenewed(pki: ServerPki): void
  clock: Clock
  log: Logger
}

export const createPkiRenewal = ({ current, ensure, onRenewed, clock, log }: PkiRenewalOptions): Component => ({
  name: 'certificate-renewal',
  async start() {
    let known = current
    let stopped = false
    const look = async () => {
      try {
        const now = await ensure()
        if (stopped) return
        if (now.notAfter !== known.notAfter || now.serving.certificate !== known.serving.certificate) {
          log.info('certificates were renewed', { until: new Date(now.notAfter).toISOString() })
          onRenewed((known = now))
        }
      } catch (error) {
        log.error('certificates could not be renewed', { error })
      }
      if (!stopped) timer = clock.after(day, look)
    }
    let timer = clock.after(day, look)
    return {
      failed: new Promise<never>(() => {}),
      async stop() {
        stopped = true
        timer.cancel()
      },
    }
  },
})
