// Rounds of killing: while pods are made and deleted, mk8s, its containerd, both, or the machine's power go away at a random moment; then all
// must come back, and nothing may be left of what was under way.
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import type { Pod } from '../../src/api/generated/types.ts'
import { eventually } from './box.ts'
import { leaks } from './leaks.ts'
import type { Machine } from './machine.ts'
import { pod, shell } from './workbench.ts'

export type Killed = 'mk8s' | 'containerd' | 'both' | 'power'

interface Round {
  killed: Killed
  /** After the first request of the churn. */
  atMilliseconds: number
  /** From the kill until everything was as the API wants it and nothing else was there. */
  convergedMilliseconds: number
  /** What was waited for last. */
  last: string
}

/** Between two looks, which cost as much as the work they wait for. */
const lookMilliseconds = 500

export class CrashRounds {
  readonly #machine: Machine
  readonly #random: () => number
  #made = 0

  constructor(machine: Machine, random: () => number) {
    this.#machine = machine
    this.#random = random
  }

  /** `underWay` begins what shall be cut off as well, and resolves when the kill is due. */
  async round(killed: Killed, underWay?: () => Promise<void>): Promise<Round> {
    const machine = this.#machine
    const before = await this.#podNames()
    const atMilliseconds = Math.round(this.#random() * 2500)
    const churn = this.#churn(before)
    await wait(atMilliseconds)
    await underWay?.()
    await this.#kill(killed)
    const gone = Date.now()
    const seen = { last: 'nothing' }
    await churn
    try {
      if (killed === 'power') await machine.boot()
      if (killed !== 'containerd') await machine.start()
      await this.#settled(seen)
    } catch (error) {
      throw new Error(`${killed} killed after ${atMilliseconds} ms: ${(error as Error).message}`)
    }
    return { killed, atMilliseconds, convergedMilliseconds: Date.now() - gone, last: seen.last }
  }

  /** Ten pods at most: some go, some come, all at once. */
  async #churn(before: readonly string[]): Promise<void> {
    const going = before.filter(() => this.#random() < 0.6 || before.length > 10)
    const coming = Array.from({ length: 5 }, () => this.#pod())
    // cut off with the server, each may have been done or not
    await Promise.all([
      this.#machine.kubectl(['create', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: coming }), timeout: 10_000 }),
      going.length > 0 ? this.#machine.kubectl(['delete', 'pod', '--wait=false', ...going], { timeout: 10_000 }) : undefined,
      wait(this.#random() * 1500).then(() => this.#machine.kubectl(['delete', 'pod', '--wait=false', '--ignore-not-found', coming[0]!.metadata.name, coming[1]!.metadata.name], { timeout: 10_000 })),
    ])
  }

  #pod() {
    const name = `round-${++this.#made}`
    const volumes = [{ name: 'disk', emptyDir: {} }, { name: 'memory', emptyDir: { medium: 'Memory' } }, { name: 'ca', configMap: { name: 'kube-root-ca.crt' } }]
    const container = { volumeMounts: volumes.map((volume) => ({ name: volume.name, mountPath: `/${volume.name}` })), ports: this.#made % 4 === 0 ? [{ containerPort: 80, hostPort: 20000 + this.#made }] : [] }
    const initContainers = this.#made % 3 === 0 ? [{ name: 'first', image: 'mk8s.io/busybox:1', command: ['true'] }] : []
    return pod({ name, command: shell('trap exit TERM; sleep 86400 & wait'), container, spec: { volumes, initContainers, hostNetwork: this.#made % 7 === 0, terminationGracePeriodSeconds: Math.round(this.#random() * 2) } })
  }

  async #kill(killed: Killed): Promise<void> {
    const machine = this.#machine
    if (killed === 'power') return machine.cutPower()
    const containerd = readFileSync(`${machine.root}/run/mk8s/containerd.pid`, 'utf8').trim()
    await Promise.all([
      killed === 'containerd' ? undefined : machine.signal('SIGKILL'),
      killed === 'mk8s' ? undefined : machine.inside('kill', ['-KILL', containerd]),
    ])
  }

  async #settled(seen: { last: string }): Promise<void> {
    const machine = this.#machine
    const waiting = async (what: readonly string[]) => {
      if (what.length === 0) return true
      seen.last = what.join('; ')
      await wait(lookMilliseconds)
      throw new Error(seen.last)
    }
    await eventually('pods run', async () => {
      const { items } = JSON.parse(await machine.k(['get', 'pods', '-o', 'json'])) as { items: Pod[] }
      const unready = items.filter(({ metadata, status }) => metadata!.deletionTimestamp || !status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'))
      return waiting(unready.map(({ metadata, status }) => `${metadata!.name} ${metadata!.deletionTimestamp ? 'deleted' : status?.phase}`))
    }, 90)
    await eventually('nothing is left over and nothing is missing', async () => waiting(await leaks(machine)), 45)
  }

  async #podNames(): Promise<string[]> {
    return (await this.#machine.k(['get', 'pods', '-o', 'name'])).split('\n').filter(Boolean).map((name) => name.replace('pod/', ''))
  }
}

/** Repeatable: the same seed gives the same moments. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
