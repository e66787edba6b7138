// containerd's own feed of events, as a stream of its service: `ctr events` would be a process of 20 MB that only translates it.
import { decode, integer, message, one, string, sub } from '../../base/grpc/protobuf.ts'
import { subjectEvent, subscribe } from '../cri/methods.ts'
import { announceWhenOpen, createEventHub, type Emit } from '../event-hub.ts'
import { namespace } from './containerd.ts'
import type { CtrContext } from './context.ts'
import { services } from './services.ts'
import { settle } from './tasks.ts'

const exitEvent = message({ containerId: one(1, string), execId: one(2, string), exitStatus: one(4, integer), exitedAt: sub(5, message({ seconds: one(1, integer) })) })
const topics = ['/tasks/exit', '/tasks/start', '/containers/delete', '/images/create', '/images/update', '/images/delete']
const answerMilliseconds = 5000

export const createCtrEvents = (context: CtrContext) =>
  createEventHub(async (emit, lost, signal) => {
    const stream = context.containerd.stream(subscribe, { filters: topics.map((topic) => `topic=="${topic}",namespace=="${namespace}"`) }, { signal })
    void announceWhenOpen(() => context.containerd.call(services.version, {}, { timeoutMilliseconds: answerMilliseconds }), lost, signal)
    for await (const { topic, event } of stream) if (event) void translate(context, topic, event.value, emit).catch(lost)
  })

/** An end is told when it is in the record. */
async function translate(context: CtrContext, topic: string, value: Buffer, emit: Emit): Promise<void> {
  if (topic.startsWith('/images/')) return emit({ type: 'image-changed', id: decode(subjectEvent, value).id })
  if (topic === '/containers/delete') return emit({ type: 'container-deleted', id: decode(subjectEvent, value).id })
  if (topic === '/tasks/start') return context.containers.get(decode(subjectEvent, value).id) ? emit({ type: 'container-started', id: decode(subjectEvent, value).id }) : undefined
  const { containerId: id, execId, exitStatus, exitedAt } = decode(exitEvent, value)
  if (execId !== '' && execId !== id) return
  if (context.sandboxes.get(id)) return emit({ type: 'sandbox-stopped', id })
  const known = { code: exitStatus, at: (exitedAt?.seconds ?? 0) * 1000 }
  const settled = await context.exclusively(id, async () => {
    const record = context.containers.get(id)
    return record && settle(context, record, known)
  })
  if (settled?.phase === 'exited') emit({ type: 'container-stopped', id })
}
