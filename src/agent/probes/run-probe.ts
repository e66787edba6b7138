// Asks a container once, in the way its probe says.
import type { Container, Probe } from '../../api/generated/types.ts'
import { RuntimeError, type ContainerRuntime } from '../../runtime/container-runtime.ts'
import type { PodContainer } from '../pod/types.ts'
import { httpTarget, portNumber, requestHttp } from './http.ts'
import type { Outcome } from './outcome.ts'
import { connectTcp } from './tcp.ts'

interface RunProbe {
  runtime: ContainerRuntime
  probe: Probe
  container: PodContainer
  containerId: string
  podIp: string
  timeoutSeconds: number
  signal: AbortSignal
}

const outputLimit = 10 * 1024
const userAgent = 'kube-probe/1.36'

export function runProbe(request: RunProbe): Promise<Outcome> {
  const { probe } = request
  if (probe.exec) return runExec(request, probe.exec.command ?? [])
  if (probe.httpGet) return runHttp(request, probe.httpGet)
  if (probe.tcpSocket) return runTcp(request, probe.tcpSocket)
  if (probe.grpc) return runGrpc(request, probe.grpc)
  return Promise.resolve({ result: 'error', output: `missing probe handler for ${request.container.spec.name}` })
}

async function runExec({ runtime, containerId, timeoutSeconds }: RunProbe, command: string[]): Promise<Outcome> {
  try {
    const { exitCode, stdout, stderr } = await runtime.execSync(containerId, command, timeoutSeconds)
    const output = Buffer.concat([stdout, stderr]).subarray(0, outputLimit).toString('utf8')
    return { result: exitCode === 0 ? 'success' : 'failure', output }
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'DeadlineExceeded') {
      return { result: 'failure', output: `command timed out: ${JSON.stringify(command.join(' '))} timed out after ${timeoutSeconds}s` }
    }
    return { result: 'error', output: (error as Error).message }
  }
}

async function runHttp({ container, podIp, signal }: RunProbe, action: NonNullable<Probe['httpGet']>): Promise<Outcome> {
  const target = httpTarget(action, container.spec, podIp, userAgent)
  try {
    const { status, body, redirectedAway } = await requestHttp({ ...target, signal })
    if (redirectedAway) return { result: 'warning', output: 'Probe terminated redirects, Response body: ' + body }
    if (status >= 200 && status < 400) return { result: 'success', output: body }
    return { result: 'failure', output: `HTTP probe failed with statuscode: ${status}` }
  } catch (error) {
    return { result: 'failure', output: (error as Error).message }
  }
}

async function runTcp({ container, podIp, signal }: RunProbe, { host, port }: NonNullable<Probe['tcpSocket']>): Promise<Outcome> {
  const number = portNumber(port as number | string, container.spec as Container)
  try {
    await connectTcp(host || podIp, number, signal)
    return { result: 'success', output: '' }
  } catch (error) {
    return { result: 'failure', output: (error as Error).message }
  }
}

async function runGrpc({ podIp, signal, timeoutSeconds }: RunProbe, { port, service }: NonNullable<Probe['grpc']>): Promise<Outcome> {
  const { checkGrpcHealth } = await import('./grpc.ts')
  return checkGrpcHealth({ host: podIp, port, service: service ?? '', signal, timeoutSeconds })
}
