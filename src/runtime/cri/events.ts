// Container events. Where the runtime offers CRI's own feed that is used, else containerd's, on the same socket.
// An event is told only when reading the status shows it: containerd announces the end of a task before its CRI plug-in has noted it.
import { setTimeout as wait } from 'node:timers/promises'
import { GrpcError } from '../../base/grpc/client.ts'
import { decode } from '../../base/grpc/protobuf.ts'
import { announceWhenOpen, createEventHub, type Emit } from '../event-hub.ts'
import { unlessGone, type CriConnection } from './connection.ts'
import type { UnderWay } from './under-way.ts'
import { methods, subjectEvent, subscribe, taskExit } from './methods.ts'

const topics = ['/tasks/exit', '/tasks/start', '/containers/delete', '/images/create', '/images/update', '/images/delete']
const answerMilliseconds = 5000
const settleSteps = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000]

/** containerd 1.7 hands each event to one reader only, so there is one feed for all listeners. */
export function createCriEvents(connection: CriConnection, underWay: UnderWay) {
  let hasCriFeed = true
  return createEventHub(async (emit, lost, signal) => {
    if (!hasCriFeed) return followContainerd({ connection, underWay, emit }, lost, signal)
    try {
      await followCri(connection, emit, lost, signal)
    } catch (error) {
      if (!(error instanceof GrpcError) || error.code !== 'Unimplemented') throw error
      // the hub opens the other one
      hasCriFeed = false
    }
  })
}

async function followCri(connection: CriConnection, emit: Emit, lost: () => void, signal: AbortSignal): Promise<void> {
  const stream = connection.grpc.stream(methods.containerEvents, {}, { signal })
  void announceWhenOpen(() => connection.call(methods.version, {}, answerMilliseconds), lost, signal)
  for await (const { containerId, type, sandbox } of stream) emit({ type: type === 'container-stopped' && sandbox?.id === containerId ? 'sandbox-stopped' : type, id: containerId })
}

interface Feed {
  connection: CriConnection
  underWay: UnderWay
  emit: Emit
}

async function followContainerd(feed: Feed, lost: () => void, signal: AbortSignal): Promise<void> {
  const filters = topics.map((topic) => `topic=="${topic}",namespace=="k8s.io"`)
  const stream = feed.connection.grpc.stream(subscribe, { filters }, { signal })
  void announceWhenOpen(() => feed.connection.call(methods.version, {}, answerMilliseconds), lost, signal)
  for await (const { topic, event } of stream) if (event) void translate(feed, topic, event.value).catch(lost)
}

async function translate(feed: Feed, topic: string, value: Buffer): Promise<void> {
  const { underWay, emit } = feed
  if (topic.startsWith('/images/')) return emit({ type: 'image-changed', id: decode(subjectEvent, value).id })
  if (topic === '/containers/delete') return emit({ type: 'container-deleted', id: decode(subjectEvent, value).id })
  if (topic === '/tasks/start') {
    const { id } = decode(subjectEvent, value)
    if ((await underWay.changed(id)) === 'start-container') return emit({ type: 'container-started', id })
    return (await underWay.isNewSandbox(id)) ? undefined : settled(feed, id, 'running')
  }
  const { containerId: id, execId } = decode(taskExit, value)
  if (execId !== '' && execId !== id) return
  const change = await underWay.changed(id)
  if (change === 'stop-container') return emit({ type: 'container-stopped', id })
  if (change === 'stop-sandbox') return emit({ type: 'sandbox-stopped', id })
  await settled(feed, id, 'exited')
}

async function settled({ connection, emit }: Feed, id: string, state: 'running' | 'exited'): Promise<void> {
  for (const pause of settleSteps) {
    const found = await unlessGone(connection.call(methods.containerStatus, { id }), undefined)
    if (!found) return settledSandbox(connection, id, state, emit)
    const now = found.status?.state
    if (now === 'exited' || now === state) return emit({ type: now === 'exited' ? 'container-stopped' : 'container-started', id })
    await wait(pause)
  }
  emit({ type: state === 'exited' ? 'container-stopped' : 'container-started', id })
}

async function settledSandbox(connection: CriConnection, id: string, state: 'running' | 'exited', emit: Emit): Promise<void> {
  if (state === 'running') return
  for (const pause of settleSteps) {
    const found = await unlessGone(connection.call(methods.sandboxStatus, { id }), undefined)
    if (found?.status?.state !== 'ready') break
    await wait(pause)
  }
  emit({ type: 'sandbox-stopped', id })
}
