// GET /containerLogs/{namespace}/{pod}/{container} (source: k8s.io/kubernetes/pkg/kubelet, `validateContainerLogStatus`).
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ContainerStatus, Pod } from '../../api/generated/types.ts'
import type { ContainerRuntime } from '../../runtime/container-runtime.ts'
import { readLogs, type LogOptions } from './logs/read-logs.ts'
import { containerIdOf, containerStatusOf, specOf } from './pod-containers.ts'
import { EndpointError, type PlainCall } from './types.ts'

export async function serveContainerLogs({ params, query, response, context }: PlainCall): Promise<void> {
  const { namespace = '', pod: podName = '', container = '' } = params
  const options = parseLogOptions(query, context.clock.now())
  const pod = context.pods.pod(namespace, podName)
  if (!pod) throw new EndpointError(404, `pod ${JSON.stringify(podName)} does not exist`)
  if (!specOf(pod, container)) throw new EndpointError(404, `container ${JSON.stringify(container)} not found in pod ${JSON.stringify(podName)}`)
  const id = logContainerId(pod, container, query.get('previous') === 'true')
  const path = await logPathOf(context.runtime, id)
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const follow = { signal: gone.signal, stopped: (signal: AbortSignal) => whenStopped(context.runtime, id, signal) }
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Transfer-Encoding': 'chunked' })
  response.flushHeaders()
  const log = Readable.from(readLogs(path, options, follow), { objectMode: false, highWaterMark: 64 * 1024 })
  await pipeline(log, response, { end: false }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    // The status has gone out: as with upstream's kubelet the text is all there is to tell with.
    response.write(`failed to try resolving symlinks in path ${JSON.stringify(path)}: lstat ${path}: no such file or directory`)
  })
  response.end()
}

/** @throws EndpointError 400 for what is not a number, 422 for what is not allowed. */
function parseLogOptions(query: URLSearchParams, now: number): LogOptions {
  const number = (name: string) => {
    const text = query.get(name)
    if (text === null || text === '') return undefined
    if (!/^-?\d+$/.test(text)) throw new EndpointError(400, '{"message": "Unable to decode query."}')
    return Number(text)
  }
  const tail = query.get('tail')
  const tailLines = tail === 'all' ? undefined : tail ? Number(tail) : number('tailLines')
  const [limitBytes, sinceSeconds] = [number('limitBytes'), number('sinceSeconds')]
  const sinceTime = query.get('sinceTime') || undefined
  const stream = query.get('stream') || 'All'
  if ((tailLines ?? 0) < 0 || (limitBytes ?? 1) < 1 || (sinceSeconds ?? 1) < 1 || (sinceTime && sinceSeconds !== undefined) || !['All', 'Stdout', 'Stderr'].includes(stream)) {
    throw new EndpointError(422, '{"message": "Invalid request."}')
  }
  return {
    follow: query.get('follow') === 'true', timestamps: query.get('timestamps') === 'true', tailLines, limitBytes, stream: stream as LogOptions['stream'],
    since: sinceSeconds === undefined ? sinceTime : new Date(now - sinceSeconds * 1000).toISOString(),
  }
}

/** Which container's log is meant, by the pod's status. @throws EndpointError with the kubelet's words when there is none yet. */
function logContainerId(pod: Pod, container: string, previous: boolean): string {
  const podName = pod.metadata?.name ?? ''
  const status = containerStatusOf(pod, container)
  const about = `container ${JSON.stringify(container)} in pod ${JSON.stringify(podName)}`
  const refuse = (why: string) => new EndpointError(400, why)
  if (!status) throw refuse(`${about} is not available`)
  const last = status.lastState?.terminated
  const id = previous ? last?.containerID : currentId(status)
  if (id) return containerIdOf(id)
  if (previous) throw refuse(`previous terminated ${about} not found`)
  const { waiting, terminated } = status.state ?? {}
  if (terminated || last) throw refuse(`${about} is terminated`)
  if (waiting?.reason === 'ErrImagePull') throw refuse(`${about} is waiting to start: image can't be pulled`)
  if (waiting?.reason === 'ImagePullBackOff') throw refuse(`${about} is waiting to start: trying and failing to pull image`)
  throw refuse(`${about} is waiting to start${waiting ? `: ${waiting.reason ?? ''}` : ' - no logs yet'}`)
}

function currentId({ state, lastState, containerID }: ContainerStatus): string | undefined {
  if (state?.running) return containerID
  return state?.terminated?.containerID || lastState?.terminated?.containerID
}

async function logPathOf(runtime: ContainerRuntime, id: string): Promise<string> {
  try {
    return (await runtime.containerStatus(id)).logPath
  } catch (error) {
    throw new EndpointError(400, `unable to retrieve container logs for containerd://${id}: ${(error as Error).message}`)
  }
}

const pollInterval = 1000

/** Resolves when the container does not run: by event, or by asking each second where the driver has no events. */
async function whenStopped(runtime: ContainerRuntime, id: string, signal: AbortSignal): Promise<void> {
  const runs = () => runtime.containerStatus(id).then(({ state }) => state === 'running' || state === 'created', () => false)
  await new Promise<void>((resolve) => {
    const check = () => void runs().then((running) => running || resolve())
    const subscription = runtime.events((event) => event.id === id && check(), check)
    const timer = subscription ? undefined : setInterval(check, pollInterval)
    const finish = () => {
      subscription?.stop()
      clearInterval(timer)
      resolve()
    }
    signal.addEventListener('abort', finish, { once: true })
    check()
  })
}
