// One leader among several servers, by a Lease (source: k8s.io/client-go/tools/leaderelection). What counts is how long ago, on the own
// monotonic clock, the Lease was last seen to change; the times written in it are for people. So nobody's wall clock matters.
import { leases } from '../api/refs.ts'
import type { Lease } from '../api/generated/types.ts'
import type { Stored } from '../api/object.ts'
import { StatusError, ignoreNotFound } from '../api/status-error.ts'
import { rfc3339Micro, sleep, type Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Client } from './client.ts'

interface LeaderElectionOptions {
  client: Client
  /** Default `kube-system`. */
  namespace?: string
  /** Of the Lease. */
  name: string
  /** Stays the same over restarts of one server: a restart then goes on at once, without waiting for the Lease to run out. */
  identity: string
  clock: Clock
  log: Logger
}

const leaseSeconds = 15
const renewMilliseconds = 10_000
const retryMilliseconds = 2_000
/** A leader that could not renew for so long stops, before anybody else may start. */
const giveUpMilliseconds = 13_000
/** A timer that comes so late says that the whole process was held up. */
const stallMilliseconds = 1_000

/** Calls `lead` whenever this server is the leader; its signal aborts when it is no longer, or with `signal`. Returns after `signal`, the Lease released. */
export async function runAsLeader(options: LeaderElectionOptions, signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const candidate = new Candidate(options)
  while (!signal.aborted) {
    if (!(await candidate.acquireOrRenew())) {
      await sleep(options.clock, retryMilliseconds, signal).catch(() => {})
      continue
    }
    const lost = new AbortController()
    const leading = lead(AbortSignal.any([signal, lost.signal]))
    const ended = leading.then(() => undefined, (error: unknown) => error ?? new Error('the leader ended'))
    await Promise.race([candidate.keep(signal), ended])
    lost.abort(new Error('this server is the leader no longer'))
    await leading
  }
  await candidate.release()
}

class Candidate {
  readonly #options: LeaderElectionOptions
  /** The Lease as last seen or written, and when that was, on the monotonic clock. */
  #seen: Stored<Lease> | undefined
  #seenAt = 0
  #renewedAt = 0

  constructor(options: LeaderElectionOptions) {
    this.#options = options
  }

  /** Resolves when the Lease could not be renewed in time, or with `signal`. */
  async keep(signal: AbortSignal): Promise<void> {
    const { clock, log, name } = this.#options
    let wait = renewMilliseconds
    while (!signal.aborted) {
      const due = clock.monotonic() + wait
      await sleep(clock, wait, signal).catch(() => {})
      if (signal.aborted) return
      const now = clock.monotonic()
      // a process that stood still did nothing meanwhile that a leader may not; whether the Lease is still its own, the renewal tells
      const giveUpAt = Math.max(this.#renewedAt, now - due > stallMilliseconds ? now : 0) + giveUpMilliseconds
      const expired = Promise.withResolvers<'expired'>()
      const timer = clock.after(giveUpAt - now, () => expired.resolve('expired'))
      const outcome = await Promise.race([this.acquireOrRenew(), expired.promise])
      timer.cancel()
      if (outcome === 'expired' || (!outcome && (this.#heldByOther() || clock.monotonic() + retryMilliseconds > giveUpAt))) {
        return log.warn('the leader Lease was lost', { lease: name })
      }
      wait = outcome ? renewMilliseconds : retryMilliseconds
    }
  }

  async acquireOrRenew(): Promise<boolean> {
    const { clock, log, name } = this.#options
    const begun = clock.monotonic()
    try {
      if (!this.#isMine() && !(await this.#look())) return false
      await this.#write(this.#options.identity, leaseSeconds)
      this.#renewedAt = begun
      return true
    } catch (error) {
      this.#seen = this.#isMine() && !(error instanceof StatusError && (error.code === 409 || error.code === 404)) ? this.#seen : undefined
      log.debug('the leader Lease was not taken', { lease: name, error })
      return false
    }
  }

  async release(): Promise<void> {
    if (!this.#isMine()) return
    await this.#write('', 1).catch((error: unknown) => this.#options.log.debug('the leader Lease was not released', { error }))
  }

  /** @returns whether the Lease may be taken. */
  async #look(): Promise<boolean> {
    const { clock, name, identity } = this.#options
    const found = await this.#leases().get(name).catch(ignoreNotFound)
    if (!found) {
      this.#seen = undefined
      return true
    }
    if (found.metadata.resourceVersion !== this.#seen?.metadata.resourceVersion) {
      this.#seen = found
      this.#seenAt = clock.monotonic()
    }
    const { holderIdentity, leaseDurationSeconds = leaseSeconds } = found.spec ?? {}
    return !holderIdentity || holderIdentity === identity || clock.monotonic() - this.#seenAt > leaseDurationSeconds * 1000
  }

  async #write(holderIdentity: string, leaseDurationSeconds: number): Promise<void> {
    const { clock, name, namespace = 'kube-system' } = this.#options
    const now = rfc3339Micro(clock.now())
    const before = this.#seen?.spec
    const sameHolder = before?.holderIdentity === holderIdentity
    const spec = {
      holderIdentity, leaseDurationSeconds, renewTime: now,
      acquireTime: sameHolder ? (before?.acquireTime ?? now) : now,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (before && !sameHolder && holderIdentity ? 1 : 0),
    }
    this.#seen = this.#seen
      ? await this.#leases().update({ ...this.#seen, spec })
      : await this.#leases().create({ metadata: { name, namespace }, spec })
    this.#seenAt = clock.monotonic()
  }

  #leases() {
    return this.#options.client.resource(leases, this.#options.namespace ?? 'kube-system')
  }

  #isMine(): boolean {
    return this.#seen?.spec?.holderIdentity === this.#options.identity
  }

  #heldByOther(): boolean {
    const holder = this.#seen?.spec?.holderIdentity
    return holder !== undefined && holder !== '' && holder !== this.#options.identity
  }
}
