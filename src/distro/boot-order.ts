// What pods wait for after a start (docs/decisions/boot-order.md): sandboxes for the pod network, containers for service rules and cluster DNS.
import type { Clock } from '../base/clock.ts'
import type { Component } from '../base/component.ts'
import type { Logger } from '../base/logger.ts'

interface Gate {
  readonly opened: Promise<void>
  /** Opens the gate when its turn to start comes. */
  readonly component: Component
}

export function createGate(name: string): Gate {
  const { promise, resolve } = Promise.withResolvers<void>()
  return {
    opened: promise,
    component: {
      name,
      async start() {
        resolve()
        return { failed: new Promise(() => {}), stop: async () => {} }
      },
    },
  }
}

/** Resolves when `gate` opens, at the latest after `milliseconds`: late is better than never. */
export async function openedWithin(gate: Gate, milliseconds: number, { clock, log }: { clock: Clock; log: Logger }): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = clock.after(milliseconds, () => {
      log.warn('containers start although service rules and cluster DNS are not there yet', { seconds: milliseconds / 1000 })
      resolve()
    })
    void gate.opened.then(() => {
      timer.cancel()
      resolve()
    })
  })
}
