// A connection to a port of a sandbox from the inside: a small relay enters the network namespace, which node cannot.
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { Duplex } from 'node:stream'
import { RuntimeError } from '../container-runtime.ts'
import type { CtrContext } from './context.ts'

/** Says `+` when it is connected, else why not. Each direction is a process of its own, so that neither can hold up the other. */
const relay = String.raw`$port = $ARGV[0]; $| = 1;
socket($s, 2, 1, 0) && connect($s, pack('S n a4 x8', 2, $port, "\x7f\0\0\1")) or socket($s, 10, 1, 0) && connect($s, pack('S n N a16 N', 10, $port, 0, "\0" x 15 . "\1", 0)) or do { print $!; exit 1 };
syswrite STDOUT, '+';
sub copy { my ($from, $to) = @_; while (sysread $from, my $data, 65536) { for (my $at = 0; $at < length $data;) { $at += syswrite($to, $data, length($data) - $at, $at) || return } } }
if ($child = fork) { copy(*STDIN, $s); shutdown $s, 1; waitpid $child, 0 } else { copy($s, *STDOUT); shutdown $s, 0; close STDOUT; kill 'TERM', getppid }
`

export async function openPort({ sandboxes }: CtrContext, id: string, port: number): Promise<Duplex> {
  const record = sandboxes.get(id)
  if (!record || record.phase !== 'ready') throw new RuntimeError('NotFound', `sandbox ${JSON.stringify(id)} is not running`)
  return record.networkNamespace ? dialWithin(record.networkNamespace, port) : dial(port)
}

function dial(port: number): Promise<Duplex> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  return new Promise((resolve, reject) => socket.once('connect', () => resolve(socket)).once('error', (error) => reject(refused(port, error.message))))
}

const refused = (port: number, why: string) => new RuntimeError('Unknown', `failed to connect to localhost:${port} inside namespace: ${why}`)

async function dialWithin(namespace: string, port: number): Promise<Duplex> {
  const child = spawn('nsenter', [`--net=${namespace}`, 'perl', '-e', relay, String(port)], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => undefined)
  const answer = await new Promise<Buffer>((resolve, reject) => {
    child.once('error', reject)
    child.stdout.once('data', resolve)
    child.stdout.once('end', () => resolve(Buffer.alloc(0)))
  })
  child.stderr.resume()
  if (answer[0] !== 0x2b) {
    child.kill()
    throw refused(port, answer.toString() || 'the relay could not be started')
  }
  child.stdout.pause()
  if (answer.length > 1) child.stdout.unshift(answer.subarray(1))
  const duplex = Duplex.from({ readable: child.stdout, writable: child.stdin } as unknown as NodeJS.ReadWriteStream)
  duplex.once('close', () => child.kill())
  return duplex
}
