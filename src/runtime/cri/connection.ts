// Calls with the deadlines and the errors of the seam.
import { GrpcError, createGrpcClient, type GrpcClient, type Method } from '../../base/grpc/client.ts'
import { RuntimeError } from '../container-runtime.ts'

/** Deadlines as the kubelet has them: `runtimeRequestTimeout`, and more for what waits for networks and processes. */
export const callTimeout = 2 * 60_000
export const sandboxTimeout = 4 * 60_000
export const pullTimeout = 60 * 60_000

export interface CriConnection {
  grpc: GrpcClient
  call<In, Out>(method: Method<In, Out>, request: In, timeoutMilliseconds?: number): Promise<Out>
}

/** `endpoint` is a path, `unix:///path` or an http URL. */
export function openConnection(endpoint: string): CriConnection {
  const grpc = createGrpcClient(endpoint.startsWith('/') ? `unix://${endpoint}` : endpoint)
  return {
    grpc,
    async call(method, request, timeoutMilliseconds = callTimeout) {
      try {
        return await grpc.call(method, request, { timeoutMilliseconds })
      } catch (error) {
        throw asRuntimeError(error)
      }
    },
  }
}

export function asRuntimeError(error: unknown): RuntimeError {
  if (error instanceof RuntimeError) return error
  if (error instanceof GrpcError) return new RuntimeError(error.code, error.message, error)
  return new RuntimeError('Unknown', error instanceof Error ? error.message : String(error), error)
}

export const isNotFound = (error: unknown): boolean => error instanceof RuntimeError && error.code === 'NotFound'

/** The answer, or `otherwise` where the subject is gone. */
export const unlessGone = <T, U>(answer: Promise<T>, otherwise: U): Promise<T | U> =>
  answer.catch((error: unknown) => {
    if (isNotFound(error)) return otherwise
    throw error
  })
