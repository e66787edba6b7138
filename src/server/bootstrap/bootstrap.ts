// What every cluster has from its first second: system namespaces and priority classes. Roles are the authorizer's own (authorization/).
import type { Namespace, PriorityClass } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import { namespaces, priorityclasses } from '../../api/refs.ts'
import type { ResourceRef } from '../../api/resource.ts'
import { StatusError } from '../../api/status-error.ts'
import type { Client } from '../../client/client.ts'

const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease']

const systemPriorityClasses: PriorityClass[] = [
  priorityClass('system-node-critical', 2000001000, 'Used for system critical pods that must not be moved from their current node.'),
  priorityClass('system-cluster-critical', 2000000000, 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.'),
]

function priorityClass(name: string, value: number, description: string): PriorityClass {
  return { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value, description, preemptionPolicy: 'PreemptLowerPriority' }
}

/** Idempotent; restores what was deleted. */
export async function reconcileSystemObjects(client: Client): Promise<void> {
  for (const name of systemNamespaces) await ensure<Namespace>(client, namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  for (const wanted of systemPriorityClasses) await ensure<PriorityClass>(client, priorityclasses, wanted)
}

async function ensure<T extends KubeObject>(client: Client, ref: ResourceRef<T>, wanted: T): Promise<void> {
  const resource = client.resource(ref)
  try {
    await resource.get(wanted.metadata!.name!)
  } catch (error) {
    if (!isStatus(error, 404)) throw error
    await resource.create(wanted).catch((failure: unknown) => {
      if (!isStatus(failure, 409)) throw failure
    })
  }
}

const isStatus = (error: unknown, code: number) => error instanceof StatusError && error.code === code
