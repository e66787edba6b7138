// Calls that have not been answered and change what runs. containerd announces a change before its CRI plug-in has noted it: while the call that made
// the change is under way there is no need to ask again and again, its answer says when the status shows it.
import { setImmediate as nextTurn } from 'node:timers/promises'

type Kind = 'start-container' | 'stop-container' | 'stop-sandbox'

export interface UnderWay {
  /** @returns the call's answer. */
  change<T>(kind: Kind, id: string, call: Promise<T>): Promise<T>
  newSandbox(call: Promise<string>): Promise<string>
  /** Waits for the change of this id that is under way. @returns its kind when there was one and it succeeded; whoever asked for it has heard of it by then. */
  changed(id: string): Promise<Kind | undefined>
  /** Waits for the sandboxes that are being made. @returns whether this is one of them. */
  isNewSandbox(id: string): Promise<boolean>
}

export function createUnderWay(): UnderWay {
  const changes = new Map<string, Promise<Kind | undefined>>()
  const sandboxes = new Set<Promise<string>>()
  return {
    change(kind, id, call) {
      const outcome = call.then(() => nextTurn(kind), () => undefined).finally(() => changes.get(id) === outcome && changes.delete(id))
      changes.set(id, outcome)
      return call
    },
    newSandbox(call) {
      const done = () => sandboxes.delete(call)
      sandboxes.add(call)
      call.then(done, done)
      return call
    },
    changed: async (id) => changes.get(id),
    async isNewSandbox(id) {
      const made = await Promise.allSettled(sandboxes)
      return made.some((one) => one.status === 'fulfilled' && one.value === id)
    },
  }
}
