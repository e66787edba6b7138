// What the agent's HTTPS endpoints need to know of the pods on this node.
import type { Pod } from '../api/generated/types.ts'
import type { PodWorker } from './pod/worker.ts'
import type { Pods } from './pod/pods.ts'
import type { Observed } from './runtime/observed.ts'

interface LocatedContainer {
  pod: Pod
  /** Id of the newest container of that name; undefined when none was created. */
  id: string | undefined
  state: 'created' | 'running' | 'exited' | 'unknown' | undefined
  /** Absolute path of its log. */
  logPath: string | undefined
  /** The one before it: what `--previous` shows. */
  previous: { id: string; logPath: string } | undefined
}

export interface PodLookup {
  /** With the status as last reported. `uid` may be left out. */
  pod(namespace: string, name: string, uid?: string): Pod | undefined
  pods(): Pod[]
  /** Undefined when the pod is unknown or its spec has no such container. */
  container(namespace: string, name: string, container: string, uid?: string): LocatedContainer | undefined
  /** The sandbox in use. */
  sandboxId(namespace: string, name: string, uid?: string): string | undefined
}

export function podLookup(pods: () => Pods | undefined, observe: (uid: string) => Observed): PodLookup {
  const find = (namespace: string, name: string, uid?: string) => {
    const worker = pods()?.byName(namespace, name)
    return worker && (uid === undefined || uid === worker.uid) ? worker : undefined
  }
  const withStatus = (worker: PodWorker): Pod => ({ ...worker.pod(), status: worker.status() })
  return {
    pod(namespace, name, uid) {
      const worker = find(namespace, name, uid)
      return worker && withStatus(worker)
    },
    pods: () => (pods()?.all() ?? []).map(withStatus),
    container(namespace, name, container, uid) {
      const worker = find(namespace, name, uid)
      if (!worker) return undefined
      const { spec } = worker.pod()
      const known = [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])].some((c) => c.name === container)
      if (!known) return undefined
      const [current, previous] = observe(worker.uid).containers.filter((c) => c.name === container)
      return {
        pod: withStatus(worker), id: current?.id, state: current?.state, logPath: current?.logPath,
        previous: previous && { id: previous.id, logPath: previous.logPath },
      }
    },
    sandboxId(namespace, name, uid) {
      const worker = find(namespace, name, uid)
      return worker && observe(worker.uid).sandboxes.find((s) => s.ready)?.id
    },
  }
}
