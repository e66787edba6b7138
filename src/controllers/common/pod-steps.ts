// Creating and deleting the pods of an owner, with the events users know.
import type { Pod } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { pods } from '../../api/refs.ts'
import type { ResourceRef } from '../../api/resource.ts'
import { StatusError } from '../../api/status-error.ts'
import type { ExecutionContext } from '../../controller/definition.ts'
import { controllerRefTo } from './owner.ts'

export type PodStep =
  | { do: 'createPod'; pod: Pod; owner: Stored; ownerRef: ResourceRef }
  | { do: 'deletePod'; pod: Stored<Pod>; owner: Stored }

/** Nothing can be created in a namespace that is being deleted, and nobody needs to be told. */
export const isNamespaceTerminating = (error: unknown): boolean =>
  error instanceof StatusError && (error.status.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating')

export const podExecutors = {
  async createPod({ pod, owner, ownerRef }: Extract<PodStep, { do: 'createPod' }>, { client, events }: ExecutionContext): Promise<void> {
    const metadata = { ...pod.metadata, ownerReferences: [controllerRefTo(owner, ownerRef)] }
    try {
      const created = await client.resource(pods, owner.metadata.namespace).create({ ...pod, metadata })
      events.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`)
    } catch (error) {
      if (isNamespaceTerminating(error)) return
      events.event(owner, 'Warning', 'FailedCreate', `Error creating: ${(error as Error).message}`)
      throw error
    }
  },
  async deletePod({ pod, owner }: Extract<PodStep, { do: 'deletePod' }>, { client, events }: ExecutionContext): Promise<void> {
    const { name, uid } = pod.metadata
    try {
      await client.resource(pods, pod.metadata.namespace).delete(name, { preconditions: { uid } })
      events.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`)
    } catch (error) {
      // a pod of that name with another uid is another pod
      if (error instanceof StatusError && (error.code === 404 || error.code === 409)) return
      events.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${(error as Error).message}`)
      throw error
    }
  },
}
