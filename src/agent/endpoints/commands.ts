// exec, attach, portForward and run: the client's streams on one side, the runtime's on the other.
import { pipeline } from 'node:stream/promises'
import type { Pod } from '../../api/generated/types.ts'
import { RuntimeError, type InteractiveStreams } from '../../runtime/container-runtime.ts'
import { servePortForward } from '../../streaming/port-forward/server.ts'
import type { CommandOptions, Outcome } from '../../streaming/remote-command/protocol.ts'
import { acceptRemoteSession } from '../../streaming/remote-command/server.ts'
import type { RemoteSession } from '../../streaming/remote-command/session.ts'
import { specOf } from './pod-containers.ts'
import { EndpointError, type Call, type PlainCall, type UpgradeCall } from './types.ts'

export async function serveExec(call: UpgradeCall): Promise<void> {
  const options = parseStreamOptions(call.query)
  const id = runningContainer(call, (name) => `container not found (${JSON.stringify(name)})`)
  const command = call.query.getAll('command')
  await connectStreams(call, options, () => call.context.runtime.exec(id, command, options))
}

export async function serveAttach(call: UpgradeCall): Promise<void> {
  const asked = parseStreamOptions(call.query)
  const pod = podOf(call)
  const fullName = `${call.params.pod}_${call.params.namespace}`
  const id = runningContainer(call, (name) => `container ${name} not found in pod ${fullName}`)
  // Whether a process has a terminal was settled when it was started.
  const tty = specOf(pod, call.params.container ?? '')?.tty ?? false
  const options = { ...asked, tty, stderr: asked.stderr && !tty }
  await connectStreams(call, options, () => call.context.runtime.attach(id, options))
}

export async function serveForward(call: UpgradeCall): Promise<void> {
  const { request, socket, head, context } = call
  const pod = podOf(call)
  if (call.params.uid && pod.metadata?.uid !== call.params.uid) throw new EndpointError(404, 'pod not found')
  const sandboxId = context.pods.sandboxId(call.params.namespace ?? '', call.params.pod ?? '')
  if (!sandboxId) throw new EndpointError(500, `pod not found (${JSON.stringify(`${pod.metadata?.name}_${pod.metadata?.namespace}`)})`)
  await servePortForward(request, socket, head, (port) => context.runtime.portForward(sandboxId, port))
}

/** Runs a command to its end and answers with its output. */
export async function serveRun(call: PlainCall): Promise<void> {
  const id = runningContainer(call, (name) => `container not found (${JSON.stringify(name)})`)
  const { exitCode, stdout, stderr } = await call.context.runtime.execSync(id, (call.query.get('cmd') ?? '').split(' '), 0).catch(rethrow)
  if (exitCode !== 0) throw new EndpointError(500, `command '${call.query.get('cmd')}' exited with ${exitCode}: ${stderr.toString()}`)
  call.response.writeHead(200, { 'Content-Type': 'application/json' }).end(Buffer.concat([stdout, stderr]))
}

function parseStreamOptions(query: URLSearchParams): CommandOptions {
  const is = (name: string) => query.get(name) === '1' || query.get(name) === 'true'
  const options = { stdin: is('input'), stdout: is('output'), stderr: is('error') && !is('tty'), tty: is('tty') }
  if (!options.stdin && !options.stdout && !options.stderr) throw new EndpointError(400, 'you must specify at least 1 of stdin, stdout, stderr')
  return options
}

function podOf({ params, context }: Call): Pod {
  const pod = context.pods.pod(params.namespace ?? '', params.pod ?? '')
  if (!pod) throw new EndpointError(404, 'pod does not exist')
  return pod
}

function runningContainer(call: Call, missing: (name: string) => string): string {
  const { namespace = '', pod = '', container = '', uid } = call.params
  podOf(call)
  const id = call.context.pods.container(namespace, pod, container, uid)?.id
  if (!id) throw new EndpointError(500, missing(container))
  return id
}

/** The runtime comes first: what it refuses is an ordinary HTTP error. */
async function connectStreams(call: UpgradeCall, options: CommandOptions, open: () => Promise<InteractiveStreams>): Promise<void> {
  const streams = await open().catch(rethrow)
  const session = await acceptRemoteSession(call.request, call.socket, call.head, options)
  if (!session) return streams.close()
  void session.closed.then(() => streams.close())
  session.onResize((size) => streams.resize(size))
  await session.finish(await converse(session, streams))
  streams.close()
}

async function converse(session: RemoteSession, streams: InteractiveStreams): Promise<Outcome> {
  // Input may end before, after or never; the command's end does not wait for it.
  if (session.stdin && streams.stdin) pipeline(session.stdin, streams.stdin).catch(() => undefined)
  else session.stdin?.resume()
  const copied = [copy(streams.stdout, session.stdout), copy(streams.stderr, session.stderr)]
  try {
    const exitCode = await streams.exit
    await Promise.race([Promise.all(copied), session.closed])
    return { exitCode }
  } catch (error) {
    return { error: (error as Error).message.replace(/^Internal error occurred: /, '') }
  }
}

async function copy(from: NodeJS.ReadableStream | undefined, to: RemoteSession['stdout']): Promise<void> {
  if (from && to) await pipeline(from, to, { end: false }).catch(() => undefined)
}

/** As the kubelet translates what a runtime refuses. */
function rethrow(error: unknown): never {
  if (error instanceof RuntimeError) throw new EndpointError(error.code === 'NotFound' ? 404 : error.code === 'ResourceExhausted' ? 429 : 500, `rpc error: code = ${error.code} desc = ${error.message}`)
  throw error
}
