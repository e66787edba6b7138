// What a pod worker can do next. Every step has a lane; a lane carries one step at a time, lanes run side by side.
import type { PodContainer } from './types.ts'

export type KillReason = 'Unknown' | 'StartupProbe' | 'LivenessProbe' | 'FailedPostStartHook'

export type Step =
  | { do: 'prepare-volumes' }
  | { do: 'run-sandbox'; attempt: number; replaces: boolean }
  | { do: 'start-containers'; sandboxId: string; containers: PodContainer[] }
  | { do: 'kill-container'; id: string; name: string; message: string; reason: KillReason; graceSeconds?: number; after: string[] }
  | { do: 'update-resources'; id: string; name: string }
  | { do: 'stop-sandbox'; id: string }
  | { do: 'remove-container'; id: string }
  | { do: 'remove-sandbox'; id: string }
  | { do: 'release-resources' }
  | { do: 'delete-pod' }

export function laneOf(step: Step): string {
  switch (step.do) {
    case 'prepare-volumes':
    case 'release-resources':
      return 'volumes'
    case 'run-sandbox':
      return 'sandbox'
    case 'start-containers':
      return 'start'
    case 'kill-container':
      return `kill/${step.id}/${step.graceSeconds ?? ''}`
    case 'update-resources':
      return `resources/${step.id}`
    case 'stop-sandbox':
    case 'remove-sandbox':
      return `sandbox/${step.id}`
    case 'remove-container':
      return `remove/${step.id}`
    case 'delete-pod':
      return 'api'
  }
}

/** Under which a failure of the step is remembered; containers have keys of their own. */
export function retryKey(step: Step): string {
  switch (step.do) {
    case 'start-containers':
      return 'start'
    case 'kill-container':
    case 'remove-container':
    case 'remove-sandbox':
    case 'stop-sandbox':
      return `${step.do}/${step.id}`
    default:
      return step.do
  }
}

export const containerRetryKey = (name: string): string => `container/${name}`
