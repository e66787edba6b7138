// The agent's events: of pods, of single containers in them, and of the node.
import type { ObjectReference } from '../../api/generated/types.ts'
import type { EventRecorder, EventType } from '../../client/event-recorder.ts'
import { containerFieldPath, type AgentPod, type PodContainer } from '../pod/types.ts'

export interface Recorder {
  pod(pod: AgentPod, type: EventType, reason: string, message: string, annotations?: Record<string, string>): void
  container(pod: AgentPod, container: PodContainer, type: EventType, reason: string, message: string): void
  node(type: EventType, reason: string, message: string): void
}

export function createRecorder(events: EventRecorder, nodeName: string): Recorder {
  const podReference = ({ metadata }: AgentPod): ObjectReference => ({
    kind: 'Pod', apiVersion: 'v1', namespace: metadata.namespace, name: metadata.name, uid: metadata.uid, resourceVersion: metadata.resourceVersion,
  })
  return {
    pod: (pod, type, reason, message, annotations) => events.eventFor(podReference(pod), type, reason, message, annotations && { annotations }),
    container: (pod, container, type, reason, message) => events.eventFor(podReference(pod), type, reason, message, { fieldPath: containerFieldPath(container) }),
    node: (type, reason, message) => events.eventFor({ kind: 'Node', name: nodeName, uid: nodeName }, type, reason, message),
  }
}
