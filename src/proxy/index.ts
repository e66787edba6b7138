// The service proxy: observes Services and EndpointSlices, plans rules, applies what differs, observes again.
// Only services that changed are looked at, and one `iptables-restore` carries all that changed while the last one ran.
import * as refs from '../api/refs.ts'
import { objectKey, splitKey, type KubeObject } from '../api/object.ts'
import type { EndpointSlice, Service } from '../api/generated/types.ts'
import { sleep, type Clock } from '../base/clock.ts'
import type { Component } from '../base/component.ts'
import type { Logger } from '../base/logger.ts'
import type { Informer, InformerFactory } from '../client/informer.ts'
import { deleteUdpFlows } from '../netfilter/conntrack.ts'
import type { NetworkGuard } from '../netfilter/guard.ts'
import type { Iptables } from '../netfilter/iptables.ts'
import { renderRestore, type Rule } from '../netfilter/restore.ts'
import { baseChains, hooks, type BaseRulesOptions } from './base-rules.ts'
import { differenceOf, mutableChange, staleUdpFlows } from './difference.ts'
import { renderService, type ServiceRules } from './service-rules.ts'

interface ProxyOptions extends BaseRulesOptions {
  informers: InformerFactory
  iptables: Iptables
  guard: Pick<NetworkGuard, 'keep'>
  nodeName: string
  clock: Clock
  log: Logger
}

const sliceOfService = 'service'
const retryMilliseconds = 1000

export function createProxy(options: ProxyOptions): Component {
  return {
    name: 'proxy',
    async start(signal) {
      const stopped = new AbortController()
      const services = options.informers.informer<Service>(refs.services)
      const slices = options.informers.informer<EndpointSlice>(refs.endpointslices, { indexes: { [sliceOfService]: (slice) => [serviceOf(slice)] } })
      await Promise.all([services.whenSynced(signal), slices.whenSynced(signal)])
      const rules = new RuleKeeper(options, services, slices)
      await rules.replaceAll()
      const unsubscribe = [
        services.onChange((before, now) => rules.changed(objectKey((now ?? before)!))),
        slices.onChange((before, now) => [before, now].forEach((slice) => slice && rules.changed(serviceOf(slice)))),
        options.guard.keep({ name: 'proxy', rules: hooks, restore: async () => rules.lost() }),
      ]
      const loop = rules.run(stopped.signal)
      return {
        failed: new Promise(() => {}),
        async stop() {
          for (const end of unsubscribe) end()
          stopped.abort(new Error('stopped'))
          await loop
        },
      }
    },
  }
}

const serviceOf = (slice: KubeObject) => `${slice.metadata?.namespace}/${slice.metadata?.labels?.['kubernetes.io/service-name'] ?? ''}`

class RuleKeeper {
  readonly #options: ProxyOptions
  readonly #services: Informer<Service>
  readonly #slices: Informer<EndpointSlice>
  /** In force in the kernel, by service. */
  #applied = new Map<string, ServiceRules>()
  readonly #dirty = new Set<string>()
  #isLost = false
  #wake: () => void = () => {}

  constructor(options: ProxyOptions, services: Informer<Service>, slices: Informer<EndpointSlice>) {
    this.#options = options
    this.#services = services
    this.#slices = slices
  }

  changed(key: string): void {
    this.#dirty.add(key)
    this.#wake()
  }

  /** Somebody has taken the rules out of the kernel. */
  lost(): void {
    this.#isLost = true
    this.#wake()
  }

  /** Applies changes until `signal`. A refused change is repaired by writing everything anew. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wake(), { once: true })
    while (!signal.aborted) {
      if (this.#dirty.size === 0 && !this.#isLost) await new Promise<void>((resolve) => (this.#wake = resolve))
      // one turn of the event loop gathers the changes that came together
      await new Promise<void>((resolve) => setImmediate(resolve))
      if (this.#isLost) await this.#replaceUntilDone(signal)
      try {
        await this.#applyDirty()
      } catch (error) {
        this.#options.log.warn('service rules were refused; writing all of them again', { error })
        await this.#replaceUntilDone(signal)
      }
    }
  }

  /** Brings the kernel to exactly the wanted rules, whatever is there. */
  async replaceAll(): Promise<void> {
    this.#dirty.clear()
    const wanted = new Map(this.#services.list().map((service) => [objectKey(service), this.#wanted(objectKey(service))!]))
    const { iptables } = this.#options
    const base = baseChains(this.#options)
    const nat = mutableChange('nat')
    const filter = mutableChange('filter')
    nat.chains = new Map<string, readonly Rule[]>([...base.nat, ['KUBE-SERVICES', []], ['KUBE-NODEPORTS', []]])
    filter.chains = new Map<string, readonly Rule[]>([...base.filter, ['KUBE-EXTERNAL-SERVICES', []]])
    const present = await servicesChains(iptables)
    const [services, rejected] = differenceOf([...wanted.values()].map((after) => ({ before: undefined, after })))
    for (const [name, rules] of services!.chains) nat.chains.set(name, rules)
    nat.appended = [...services!.appended]
    filter.appended = [...rejected!.appended]
    nat.removed = present.filter((name) => !nat.chains.has(name))
    await iptables.restore(renderRestore([nat, filter]))
    for (const hook of hooks) await iptables.ensureFirst(hook.table, hook.chain, hook.rule)
    await this.#forgetStaleFlows([...wanted].map(([key, after]) => ({ before: this.#applied.get(key), after })))
    this.#applied = wanted
  }

  async #applyDirty(): Promise<void> {
    const keys = [...this.#dirty]
    this.#dirty.clear()
    const pairs = keys.map((key) => ({ key, before: this.#applied.get(key), after: this.#wanted(key) }))
    await this.#options.iptables.restore(renderRestore(differenceOf(pairs)))
    for (const { key, after } of pairs) {
      if (after) this.#applied.set(key, after)
      else this.#applied.delete(key)
    }
    await this.#forgetStaleFlows(pairs)
  }

  async #replaceUntilDone(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.replaceAll()
        this.#isLost = false
        return
      } catch (error) {
        this.#options.log.error('service rules cannot be written', { error })
        await sleep(this.#options.clock, retryMilliseconds, signal).catch(() => {})
      }
    }
  }

  #wanted(key: string): ServiceRules | undefined {
    const { namespace, name } = splitKey(key)
    const service = this.#services.get(name, namespace)
    return service && renderService(service, this.#slices.byIndex(sliceOfService, key), { name: this.#options.nodeName, clusterCidr: this.#options.clusterCidr })
  }

  async #forgetStaleFlows(pairs: readonly { before: ServiceRules | undefined; after: ServiceRules | undefined }[]): Promise<void> {
    for (const flow of pairs.flatMap(({ before, after }) => staleUdpFlows(before, after))) {
      await deleteUdpFlows(flow).catch((error: unknown) => this.#options.log.warn('stale UDP flows were not removed', { error, ...flow }))
    }
  }
}

/** The chains of single services that are in the kernel, from this or an earlier run. */
async function servicesChains(iptables: Iptables): Promise<string[]> {
  return [...(await iptables.save('nat')).matchAll(/^:(KUBE-(?:SVC|SVL|SEP|EXT)-\S+) /gm)].map((match) => match[1]!)
}
