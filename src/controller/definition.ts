// What a controller is: what it watches, which keys a change concerns, what it observes of a key, a pure plan, and how each step is done.
import type { KubeObject, Stored } from '../api/object.ts'
import type { Client } from '../client/client.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { Informer, InformerFactory } from '../client/informer.ts'
import type { Clock, Since } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'

export interface Step {
  /** Names the executor. */
  readonly do: string
}

export interface Plan<S extends Step> {
  /** One after the other. The members of a list inside are independent: they are done in groups of 1, 2, 4 ... until one of a group fails. */
  readonly steps: readonly (S | readonly S[])[]
  /** Steps that follow also when one of `steps` has failed: what a status says of it. */
  readonly last?: (failure: Error | undefined) => readonly S[]
  /** The key is planned again after so many milliseconds. */
  readonly wakeAfter?: number
}

export const nothingToDo: Plan<never> = { steps: [] }

export interface ExecutionContext {
  readonly key: string
  /** The controller's own identity. What is written through it is waited for before the key is planned again. */
  readonly client: Client
  readonly events: EventRecorder
  readonly clock: Clock
  readonly log: Logger
  readonly signal: AbortSignal
}

type Executors<S extends Step> = { readonly [K in S['do']]: (step: Extract<S, { do: K }>, context: ExecutionContext) => Promise<void> | void }

/** Some keys of a change; `changed` calls it with what an object was and is. */
export interface Trigger {
  subscribe(enqueue: (key: string) => void): () => void
}

export interface ControllerDefinition<W extends object, O, S extends Step> {
  /** Also the name under which it logs and signs events, as in `deployment-controller`. */
  name: string
  /** Of the service account in kube-system whose rights it has; default: its name. */
  serviceAccount?: string
  /** The `source.component` of its events; default: its name. */
  eventSource?: string
  /** Every informer that `observe` reads, by any name. */
  watches(informers: InformerFactory): W
  triggers(world: W, environment: ControllerEnvironment): readonly Trigger[]
  /** What the plan is made of; undefined: there is nothing (more) to plan for. Informers are synced. */
  observe(key: string, world: W, context: ExecutionContext): O | undefined | Promise<O | undefined>
  /** Pure. `now` is wall time in milliseconds, to write down; how long something has lasted is told by `since`. After a jump of the wall clock every key that waits is planned anew. */
  plan(observed: O, now: number, since: Since): Plan<S>
  executors: Executors<S>
  /** Default 8. */
  concurrency?: number
}

export interface ControllerEnvironment {
  readonly informers: InformerFactory
  /** A client with the rights of a service account of kube-system. */
  clientFor(serviceAccount: string): Client
  readonly clock: Clock
  readonly log: Logger
  random(): number
}

/** A controller, whatever its types are. */
export interface Controller {
  readonly name: string
  run(environment: ControllerEnvironment, signal: AbortSignal): Promise<void>
}

/** The keys that `keysOf` gives for what an object was and what it is. */
export function changed<T extends KubeObject>(informer: Informer<T>, keysOf: (object: Stored<T>) => string | undefined | Iterable<string>): Trigger {
  return {
    subscribe: (enqueue) =>
      informer.onChange((before, now) => {
        for (const object of [before, now]) {
          const keys = object && keysOf(object)
          if (typeof keys === 'string') enqueue(keys)
          else for (const key of keys ?? []) enqueue(key)
        }
      }),
  }
}

/** Like `changed`, for those who must compare what was with what is. */
export function compared<T extends KubeObject>(
  informer: Informer<T>, keysOf: (before: Stored<T> | undefined, now: Stored<T> | undefined) => Iterable<string>,
): Trigger {
  return {
    subscribe: (enqueue) =>
      informer.onChange((before, now) => {
        for (const key of keysOf(before, now)) enqueue(key)
      }),
  }
}
