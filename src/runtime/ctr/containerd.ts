// containerd as this driver speaks to it: `ctr` for what changes something, its services for what `ctr` does not tell or cannot do.
import { run } from '../../base/child-process.ts'
import { createGrpcClient, type GrpcClient, type Method } from '../../base/grpc/client.ts'
import { RuntimeError } from '../container-runtime.ts'
import { asRuntimeError, callTimeout } from '../cri/connection.ts'

export const namespace = 'k8s.io'

export interface Containerd {
  readonly grpc: GrpcClient
  /** @returns standard output. Rejects with `RuntimeError`. */
  ctr(args: readonly string[], options?: { timeoutMilliseconds?: number; input?: Buffer }): Promise<string>
  call<In, Out>(method: Method<In, Out>, request: In, options?: { timeoutMilliseconds?: number }): Promise<Out>
  stream<In, Out>(method: Method<In, Out>, request: In, options?: { signal?: AbortSignal }): AsyncIterable<Out>
  close(): void
}

export function openContainerd({ socket, program }: { socket: string; program: string }): Containerd {
  const grpc = createGrpcClient(`unix://${socket}`)
  const metadata = { 'containerd-namespace': namespace }
  return {
    grpc,
    async ctr(args, { timeoutMilliseconds = callTimeout, input } = {}) {
      const result = await run(program, ['--address', socket, '--namespace', namespace, '--connect-timeout', '5s', ...args], { timeoutMilliseconds, input }).catch((error: unknown) => {
        throw asRuntimeError(error)
      })
      const complaint = complaintOf(result.stderr)
      // `ctr tasks delete` ends with the code of the task, and says nothing.
      if (result.code !== 0 && (complaint !== '' || args[1] !== 'delete')) throw new RuntimeError(codeOf(complaint), complaint || `ctr ${args.slice(0, 2).join(' ')} ended with ${result.code}`)
      return result.stdout
    },
    async call(method, request, { timeoutMilliseconds = callTimeout } = {}) {
      try {
        return await grpc.call(method, request, { metadata, ...(timeoutMilliseconds ? { timeoutMilliseconds } : {}) })
      } catch (error) {
        throw asRuntimeError(error)
      }
    },
    stream: (method, request, options) => grpc.stream(method, request, { ...options, metadata }),
    close: () => grpc.close(),
  }
}

/** The line that begins with `ctr: `; log lines before it repeat what it says. */
const complaintOf = (stderr: string) => /^ctr: (.*)$/m.exec(stderr.trim())?.[1] ?? stderr.trim().split('\n').at(-1) ?? ''

function codeOf(complaint: string): string {
  if (/not found$|not found:|404 Not Found/.test(complaint)) return 'NotFound'
  if (/already exists/.test(complaint)) return 'AlreadyExists'
  if (/containerd\.sock|connection error|context deadline exceeded|transport is closing/.test(complaint)) return 'Unavailable'
  return 'Unknown'
}
