// What the DNS process has been told, found by what questions ask for.
import type { EndpointSlice, Service } from '../api/generated/types.ts'
import { serviceOf, type Fact } from './feed.ts'
import type { DnsWorld } from './records.ts'

/** Objects by key, and by the values that `valuesOf` gives for them. */
class Indexed<T> {
  readonly #objects = new Map<string, T>()
  readonly #keys = new Map<string, Set<string>>()
  readonly #valuesOf: (object: T) => readonly string[]

  constructor(valuesOf: (object: T) => readonly string[]) {
    this.#valuesOf = valuesOf
  }

  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  put(key: string, object: T | undefined): void {
    const before = this.#objects.get(key)
    for (const value of before ? this.#valuesOf(before) : []) {
      const keys = this.#keys.get(value)
      keys?.delete(key)
      if (keys?.size === 0) this.#keys.delete(value)
    }
    if (object === undefined) return void this.#objects.delete(key)
    this.#objects.set(key, object)
    for (const value of this.#valuesOf(object)) this.#keys.set(value, (this.#keys.get(value) ?? new Set()).add(key))
  }

  at(value: string): T[] {
    return [...(this.#keys.get(value) ?? [])].map((key) => this.#objects.get(key)!)
  }
}

export class ToldWorld implements DnsWorld {
  readonly #namespaces = new Set<string>()
  readonly #services = new Indexed<Service>((service) => service.spec?.clusterIPs ?? [])
  readonly #slices = new Indexed<EndpointSlice>((slice) => {
    const { namespace, name } = serviceOf(slice)
    return [`${namespace}/${name}`, ...new Set((slice.endpoints ?? []).map(({ addresses }) => addresses[0] ?? ''))]
  })

  take(fact: Fact): void {
    if (fact.kind === 'service') this.#services.put(fact.key, fact.object)
    else if (fact.kind === 'slice') this.#slices.put(fact.key, fact.object)
    else if (fact.object) this.#namespaces.add(fact.key)
    else this.#namespaces.delete(fact.key)
  }

  service = (namespace: string, name: string) => this.#services.get(`${namespace}/${name}`)
  slices = (namespace: string, name: string) => this.#slices.at(`${namespace}/${name}`)
  hasNamespace = (name: string) => this.#namespaces.has(name)
  servicesAt = (address: string) => this.#services.at(address)
  slicesAt = (address: string) => this.#slices.at(address)
}
