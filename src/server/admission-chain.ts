// Runs the admission plug-ins. A synchronous plug-in costs no turn of the event loop.
import type { KubeObject } from '../api/object.ts'
import type { AdmissionRequest, Operation } from './admission/admission.ts'
import type { Call } from './call.ts'

interface AdmissionInput {
  operation: Operation
  draft?: KubeObject
  current?: KubeObject
  dryRun: boolean
  /** Where it differs from the one in the path: a created object's own name. */
  name?: string
}

export async function admitMutating(call: Call, input: AdmissionInput): Promise<void> {
  const request = requestOf(call, input)
  for (const plugin of call.parts.admission) {
    if (!plugin.mutate || !plugin.handles(request)) continue
    const pending = plugin.mutate(request)
    if (pending) await pending
  }
}

export async function admitValidating(call: Call, input: AdmissionInput): Promise<void> {
  const request = requestOf(call, input)
  for (const plugin of call.parts.admission) {
    if (!plugin.validate || !plugin.handles(request)) continue
    const pending = plugin.validate(request)
    if (pending) await pending
  }
}

function requestOf(call: Call, { operation, draft, current, dryRun, name }: AdmissionInput): AdmissionRequest {
  const attributes = name && name !== call.attributes.name ? { ...call.attributes, name } : call.attributes
  return { operation, attributes, definition: call.resource.definition, draft, current, dryRun, warn: call.warn }
}
