import type { PodCondition } from '../../api/generated/types.ts'
import { isFinished } from '../../api/pod-phase.ts'
import { nodes, pods } from '../../api/refs.ts'
import { isNotFound } from '../../api/status-error.ts'
import { rfc3339 } from '../../base/clock.ts'
import { compared } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { unlessReplaced } from '../common/owner.ts'
import { planPodGarbage } from './plan.ts'

/** Upstream's terminated-pod-gc-threshold. */
const keepOver = 12_500
/** One key: everything is looked at together, some seconds after something pointed to garbage (upstream's quarantine is 40 s). */
const whole = 'all'
const quarantineMilliseconds = 40_000

export const podGarbageCollector = defineController({
  name: 'pod-garbage-collector',
  watches: ({ informer }) => ({ nodes: informer(nodes), pods: informer(pods), missing: new Map<string, number>() }),
  triggers: (world) => [
    compared(world.nodes, (_before, now) => (now ? [] : [whole])),
    compared(world.pods, (before, now) => {
      const lost = now?.spec?.nodeName && now.spec.nodeName !== before?.spec?.nodeName && !world.nodes.get(now.spec.nodeName)
      const leaving = now?.metadata.deletionTimestamp && !now.spec?.nodeName
      const ended = now && now.status?.phase !== before?.status?.phase && isFinished(now)
      return lost || leaving || ended ? [whole] : []
    }),
  ],
  async observe(_key, world, { client, clock }) {
    const present = new Set(world.nodes.list().map((node) => node.metadata.name))
    const named = new Set(world.pods.list().map((pod) => pod.spec?.nodeName ?? ''))
    for (const name of world.missing.keys()) if (present.has(name) || !named.has(name)) world.missing.delete(name)
    const confirmedGone = new Set<string>()
    for (const name of named) {
      if (name === '' || present.has(name)) continue
      const since = world.missing.get(name) ?? clock.monotonic()
      world.missing.set(name, since)
      if (clock.monotonic() - since >= quarantineMilliseconds && (await isGone(client.resource(nodes).get(name)))) confirmedGone.add(name)
    }
    const waiting = [...world.missing].filter(([name]) => !confirmedGone.has(name)).map(([, since]) => since + quarantineMilliseconds - clock.monotonic())
    return { pods: world.pods.list(), nodes: present, confirmedGone, keepOver, wakeAfter: waiting.length > 0 ? Math.max(0, Math.min(...waiting)) : undefined }
  },
  plan: (observed) => ({ ...planPodGarbage(observed), wakeAfter: observed.wakeAfter }),
  executors: {
    async delete({ pod, reason }, { client, clock }) {
      const resource = client.resource(pods, pod.metadata.namespace)
      if (!isFinished(pod) && reason !== 'over') {
        const target: PodCondition | undefined = reason === 'orphaned'
          ? { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists', lastTransitionTime: rfc3339(clock.now()) }
          : undefined
        const status = { phase: 'Failed', ...(target ? { conditions: [target] } : {}) }
        await resource.patch(pod.metadata.name, { metadata: { uid: pod.metadata.uid }, status }, { type: 'strategic', subresource: 'status' }).catch(unlessReplaced)
      }
      await resource.delete(pod.metadata.name, { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } }).catch(unlessReplaced)
    },
  },
})

const isGone = (read: Promise<unknown>) => read.then(() => false, isNotFound)
