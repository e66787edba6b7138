// Small things of no Kubernetes meaning that several parts of the agent use.
import { RuntimeError } from '../runtime/container-runtime.ts'

/** Rejects with the signal's reason as soon as it aborts; the work itself goes on unheard. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** Same value, whatever the order of keys; undefined is as good as absent. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  const keys = new Set([...Object.keys(left), ...Object.keys(right)])
  return [...keys].every((key) => same(left[key], right[key]))
}

/** An error of the runtime as a gRPC client in Go prints it. */
export const rpcWording = (error: Error): string => (error instanceof RuntimeError ? `rpc error: code = ${error.code} desc = ${error.message}` : error.message)
