import type { Job, Pod } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import type { ClaimStep } from '../common/owner.ts'
import type { PodStep } from '../common/pod-steps.ts'
import type { StatusStep } from '../common/status.ts'
import type { TellStep } from '../common/tell.ts'
import type { Failures } from './back-off.ts'

export type JobStep =
  | ClaimStep
  | PodStep
  | StatusStep
  | TellStep
  /** Deletes a pod that is not to be counted. */
  | { do: 'discardPod'; pod: Stored<Pod>; owner: Stored<Job> }
  /** Lets go of pods that are counted, or on the way to it in the status as stored. */
  | { do: 'untrackPods'; pods: readonly Stored<Pod>[] }
  | { do: 'rememberFailures'; job: Stored<Job>; failures: Failures }
