// Whoever reloads a firewall, or the kernel's parameters, takes away what others have set. It is looked for now and then, and put back.
import type { Component } from '../base/component.ts'
import type { Clock, Timer } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Iptables } from './iptables.ts'
import type { PlacedRule } from './restore.ts'

export interface GuardedPart {
  readonly name: string
  /** Of these built-in chains' rules none may be missing: they lead to all others of the part. */
  readonly rules: readonly PlacedRule[]
  /** Whether the rest of the part, which is not netfilter's, is as it should be. */
  isIntact?(): Promise<boolean>
  /** Puts everything of the part back. */
  restore(): Promise<void>
}

export interface NetworkGuard extends Component {
  /** @returns how to end it. */
  keep(part: GuardedPart): () => void
}

interface GuardOptions {
  iptables: Iptables
  clock: Clock
  log: Logger
}

/** As often as kube-proxy looks. */
const intervalMilliseconds = 30_000

export function createNetworkGuard({ iptables, clock, log }: GuardOptions): NetworkGuard {
  const parts = new Set<GuardedPart>()
  let timer: Timer | undefined
  let isStopped = false

  async function look(): Promise<void> {
    const all = [...parts]
    const [rulesThere, ...intact] = await Promise.all([iptables.has(all.flatMap((part) => part.rules)), ...all.map((part) => part.isIntact?.() ?? true)])
    const lost = all.filter((_part, i) => !rulesThere || !intact[i])
    if (lost.length > 0) log.warn('something has removed what the pod network needs; it is put back', { parts: lost.map((part) => part.name), what: rulesThere ? 'settings' : 'iptables rules' })
    for (const part of lost) await part.restore()
  }

  function lookLater(): void {
    timer = clock.after(intervalMilliseconds, async () => {
      await look().catch((error: unknown) => log.error('the pod network could not be put back', { error }))
      if (!isStopped) lookLater()
    })
  }

  return {
    name: 'network guard',
    keep(part) {
      parts.add(part)
      return () => void parts.delete(part)
    },
    async start() {
      lookLater()
      return {
        failed: new Promise(() => {}),
        async stop() {
          isStopped = true
          timer?.cancel()
        },
      }
    },
  }
}
