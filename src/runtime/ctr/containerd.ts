// containerd as this driver speaks to it: `ctr` for what changes something, its services for what `ctr` does not tell or cannot do.
import { run } from '../../base/child-process.ts'
import { createGrpcClient, type GrpcClient, type Method } from '../../base/grpc/client.ts'
import { RuntimeError } from '../container-runtime.ts'
import { parseVersion } from '../containerd/host.ts'
import { asRuntimeError, callTimeout } from '../cri/connection.ts'

export const namespace = 'k8s.io'

export interface Containerd {
  readonly grpc: GrpcClient
  /** @param options.password what `ctr` asks for: whoever lists processes sees its command line. @returns standard output. Rejects with `RuntimeError`. */
  ctr(args: readonly string[], options?: { timeoutMilliseconds?: number; input?: Buffer; password?: string }): Promise<string>
  call<In, Out>(method: Method<In, Out>, request: In, options?: { timeoutMilliseconds?: number }): Promise<Out>
  stream<In, Out>(method: Method<In, Out>, request: In, options?: { signal?: AbortSignal }): AsyncIterable<Out>
  /** For pulls and imports. */
  localFlag(): Promise<string[]>
  close(): void
}

export function openContainerd({ socket, program }: { socket: string; program: string }): Containerd {
  const grpc = createGrpcClient(`unix://${socket}`)
  const metadata = { 'containerd-namespace': namespace }
  return {
    grpc,
    async ctr(args, { timeoutMilliseconds = callTimeout, input, password } = {}) {
      const line = [program, '--address', socket, '--namespace', namespace, '--connect-timeout', '5s', ...args]
      const [command, ...words] = password === undefined ? line : ['perl', '-e', answerOnTerminal, ...line]
      const result = await run(command!, words, { timeoutMilliseconds, input: password === undefined ? input : onOneLine(password) }).catch((error: unknown) => {
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
    localFlag: () => localFlag(program),
    close: () => grpc.close(),
  }
}

/** From 2.0 on `ctr` leaves images to containerd's transfer service, which unpacks for the snapshotters it is configured for and names no image that it has imported. */
export async function localFlag(program: string): Promise<string[]> {
  const { stdout } = await run(program, ['--version'], { timeoutMilliseconds: callTimeout })
  return (parseVersion(stdout)?.major ?? 0) >= 2 ? ['--local'] : []
}

/** Becomes the program of its arguments, with a terminal for standard input on which the answer has been given. `ctr` asks for a password on a terminal only. */
const answerOnTerminal = String.raw`use POSIX; $^F = 9; local $/; my $answer = <STDIN>;
sysopen my $master, '/dev/ptmx', O_RDWR | O_NOCTTY or die "no terminal: $!\n"; ioctl $master, 0x40045431, my $unlocked = pack 'i', 0;
my $terminal = ioctl $master, 0x5441, O_RDWR | O_NOCTTY or die "no terminal: $!\n"; POSIX::dup2($terminal, 0);
my $modes = POSIX::Termios->new; $modes->getattr(0); $modes->setlflag(0); $modes->setiflag(0); $modes->setattr(0, TCSANOW);
syswrite $master, "$answer\n"; exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\n"`

/** A password of more lines is a key in JSON, to which a break is as good as a space. */
const onOneLine = (password: string) => password.replaceAll('\n', ' ')

/** The line that begins with `ctr: `; log lines before it repeat what it says. */
const complaintOf = (stderr: string) => /^ctr: (.*)$/m.exec(stderr.trim())?.[1] ?? stderr.trim().split('\n').at(-1) ?? ''

function codeOf(complaint: string): string {
  if (/not found$|not found:|404 Not Found/.test(complaint)) return 'NotFound'
  if (/already exists/.test(complaint)) return 'AlreadyExists'
  if (/containerd\.sock|connection error|context deadline exceeded|transport is closing/.test(complaint)) return 'Unavailable'
  return 'Unknown'
}
