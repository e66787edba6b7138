// Runs a controller: keys from its triggers, observe, plan, steps, and a wait until the informers show what was written.
import { StatusError } from '../api/status-error.ts'
import { createWorkQueue } from '../base/work-queue.ts'
import { createEventRecorder } from '../client/event-recorder.ts'
import type { Controller, ControllerDefinition, ControllerEnvironment, ExecutionContext, Plan, Step } from './definition.ts'
import { WatchedKinds, Written } from './written.ts'

export function defineController<W extends object, O, S extends Step>(definition: ControllerDefinition<W, O, S>): Controller {
  return { name: definition.name, run: (environment, signal) => run(definition, environment, signal) }
}

async function run<W extends object, O, S extends Step>(
  definition: ControllerDefinition<W, O, S>, environment: ControllerEnvironment, signal: AbortSignal,
): Promise<void> {
  const { clock, random } = environment
  const { name, serviceAccount = name, eventSource = name, concurrency = 8 } = definition
  const log = environment.log.with({ controller: name })
  const client = environment.clientFor(serviceAccount)
  const events = createEventRecorder({ client, component: eventSource, clock, log })
  const watched = new WatchedKinds()
  const world = definition.watches(watched.following(environment.informers))
  await Promise.all(watched.all.map((informer) => informer.whenSynced(signal)))

  const work = async (key: string): Promise<number | undefined> => {
    const written = new Written()
    const context: ExecutionContext = { key, client: written.noting(client), events, clock, log, signal }
    try {
      const observed = await definition.observe(key, world, context)
      if (observed === undefined) return undefined
      const plan = definition.plan(observed, clock.now(), clock.since)
      await execute(plan, definition, context)
      return plan.wakeAfter
    } finally {
      if (!signal.aborted) await written.settle(watched)
    }
  }

  const queue = createWorkQueue({
    clock, random, concurrency, work,
    onFailure(key, error, milliseconds) {
      log[isOrdinary(error) ? 'debug' : 'warn']('a key failed and is tried again', { key, error, milliseconds: Math.round(milliseconds) })
    },
  })
  const unsubscribe = [...definition.triggers(world, environment).map((trigger) => trigger.subscribe(queue.add)), clock.onJump(() => queue.hurry())]
  await new Promise<void>((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })))
  for (const end of unsubscribe) end()
  await queue.stop()
}

/** Others write, too: what they did first is seen in the next round. And nothing can be created where everything is being deleted. */
const isOrdinary = (error: unknown): boolean =>
  error instanceof StatusError &&
  (error.code === 409 || error.code === 404 || (error.status.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating'))

async function execute<W extends object, O, S extends Step>(
  { steps, last }: Plan<S>, definition: ControllerDefinition<W, O, S>, context: ExecutionContext,
): Promise<void> {
  const perform = async (step: S): Promise<void> => {
    const executor = definition.executors[step.do as S['do']] as (step: S, context: ExecutionContext) => Promise<void> | void
    await executor(step, context)
  }
  let failure: Error | undefined
  try {
    for (const step of steps) await (isList(step) ? slowStart(step, perform) : perform(step))
  } catch (error) {
    failure = error as Error
  }
  for (const step of last?.(failure) ?? []) await perform(step)
  if (failure) throw failure
}

const isList = <S>(step: S | readonly S[]): step is readonly S[] => Array.isArray(step)

/** When the first fails, the others would, too: then it stays at one. */
async function slowStart<S>(steps: readonly S[], perform: (step: S) => Promise<void>): Promise<void> {
  let done = 0
  for (let size = 1; done < steps.length; size *= 2) {
    const outcomes = await Promise.allSettled(steps.slice(done, done + size).map(perform))
    done += size
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed) throw failed.reason
  }
}
