import type { DaemonSet, Node, Pod } from '../../api/generated/types.ts'
import { objectKey, type Stored } from '../../api/object.ts'
import { controllerrevisions, daemonsets, nodes, pods } from '../../api/refs.ts'
import { labelSelectorOf } from '../../api/selector.ts'
import type { Informer } from '../../client/informer.ts'
import { changed, compared, type Controller } from '../../controller/definition.ts'
import { defineController } from '../../controller/run.ts'
import { canonical } from '../common/hash.ts'
import { getByKey } from '../common/keys.ts'
import { byController, claimExecutors, controllerIndex, controllerOf, orphansOf } from '../common/owner.ts'
import { podExecutors } from '../common/pod-steps.ts'
import { revisionExecutors } from '../common/revisions.ts'
import { statusExecutor } from '../common/status.ts'
import { FailureMemory } from './failure-memory.ts'
import { planDaemonSet } from './plan.ts'

export function createDaemonSetController(): Controller {
  const failures = new FailureMemory()
  return defineController({
    name: 'daemon-set-controller',
    eventSource: 'daemonset-controller',
    watches: ({ informer }) => ({
      sets: informer(daemonsets),
      pods: informer(pods, { indexes: controllerIndex }),
      revisions: informer(controllerrevisions, { indexes: controllerIndex }),
      nodes: informer(nodes),
    }),
    triggers: (world) => [
      changed(world.sets, objectKey),
      changed(world.pods, (pod) => setsOf(pod, world.sets)),
      changed(world.revisions, (revision) => {
        const owner = controllerOf(revision)
        return owner?.kind === 'DaemonSet' ? `${revision.metadata.namespace}/${owner.name}` : undefined
      }),
      compared(world.nodes, (before, now) => (before && now && placement(before) === placement(now) ? [] : world.sets.list().map(objectKey))),
    ],
    observe(key, world, { clock }) {
      const set = getByKey(world.sets, key)
      if (!set) return undefined
      const { uid, namespace } = set.metadata
      const orphans = orphansOf(namespace)
      return {
        set, selector: labelSelectorOf(set.spec?.selector), nodes: world.nodes.list(),
        pods: [...world.pods.byIndex(byController, uid), ...world.pods.byIndex(byController, orphans)],
        revisions: [...world.revisions.byIndex(byController, uid), ...world.revisions.byIndex(byController, orphans)],
        waitOn: (node: string) => failures.remaining(set, node, clock.monotonic()),
      }
    },
    plan: planDaemonSet,
    executors: {
      ...claimExecutors,
      ...podExecutors,
      ...revisionExecutors,
      ...statusExecutor,
      reportEnded({ set, pod, node }, { events, clock }) {
        const { name, namespace } = pod.metadata
        if (pod.status?.phase === 'Failed') {
          failures.note(set, node, clock.monotonic())
          events.event(set, 'Warning', 'FailedDaemonPod', `Found failed daemon pod ${namespace}/${name} on node ${node}, will try to kill it`)
        } else events.event(set, 'Normal', 'SucceededDaemonPod', `Found succeeded daemon pod ${namespace}/${name} on node ${node}, will try to delete it`)
      },
      refuse: ({ set }, { events }) => events.event(set, 'Warning', 'SelectingAll', 'This daemon set is selecting all pods. A non-empty selector is required.'),
    },
  })
}

/** What decides whether daemons run on a node. */
const placement = ({ metadata, spec }: Stored<Node>): string => canonical([metadata.name, metadata.labels, spec?.taints, spec?.unschedulable])

function* setsOf(pod: Stored<Pod>, sets: Informer<DaemonSet>): Iterable<string> {
  const controller = controllerOf(pod)
  if (controller) {
    if (controller.kind === 'DaemonSet') yield `${pod.metadata.namespace}/${controller.name}`
    return
  }
  if (!pod.metadata.labels) return
  for (const set of sets.list(pod.metadata.namespace)) if (labelSelectorOf(set.spec?.selector).matches(pod.metadata.labels)) yield objectKey(set)
}
