// A token of the pod's service account, bound to the pod and renewed when four fifths of its life are over.
import type { Timer } from '../../base/clock.ts'
import type { AuthenticationV1TokenRequest, ServiceAccountTokenProjection } from '../../api/generated/types.ts'
import { serviceaccounts } from '../../api/refs.ts'
import type { AgentPod } from '../pod/types.ts'
import type { SourceOf } from './payload-volume.ts'
import type { VolumeServices } from './plugin.ts'
import { VolumeError } from './volume.ts'

const retryMilliseconds = 30_000
/** Whoever checks a token allows for clocks that differ by a minute: a token of before a greater jump may be refused. */
const toleratedJump = 60_000
const longestMilliseconds = 24 * 3_600_000

export function tokenSource({ client, clock, log }: VolumeServices, { audience, expirationSeconds = 3600, path }: ServiceAccountTokenProjection, defaultMode: number): SourceOf {
  return (changed) => {
    let known: { token: string; renewAt: number } | undefined
    const unsubscribe = clock.onJump(({ before, after }) => {
      if (!known || Math.abs(after - before) < toleratedJump) return
      known.renewAt = 0
      changed()
    })
    let timer: Timer | undefined
    const arm = (milliseconds: number) => {
      timer?.cancel()
      timer = clock.after(milliseconds, changed)
    }
    async function renew({ metadata, spec }: AgentPod): Promise<void> {
      const asked = clock.now()
      const request: AuthenticationV1TokenRequest = {
        apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest',
        spec: { audiences: audience ? [audience] : [], expirationSeconds, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: metadata.name, uid: metadata.uid } },
      }
      const { status } = await client.resource(serviceaccounts, metadata.namespace)
        .createSubresource<AuthenticationV1TokenRequest>(spec.serviceAccountName || 'default', 'token', request)
      if (!status?.token) throw new Error('the API server answered without a token')
      const life = Date.parse(status.expirationTimestamp ?? '') - asked
      const renewAfter = Math.min(life * 0.8, longestMilliseconds)
      known = { token: status.token, renewAt: clock.monotonic() + renewAfter }
      arm(renewAfter)
    }
    return {
      async read(pod) {
        if (!known || known.renewAt <= clock.monotonic()) {
          await renew(pod).catch((error: Error) => {
            if (!known) throw new VolumeError(`failed to fetch token: ${error.message}`)
            log.warn('token of a service account not renewed', { pod: pod.metadata.name, namespace: pod.metadata.namespace, error })
            arm(retryMilliseconds)
          })
        }
        const owner = commonUser(pod)
        const shared = owner !== undefined || pod.spec.securityContext?.fsGroup !== undefined
        return new Map([[path, { data: Buffer.from(known!.token), mode: shared ? 0o600 : defaultMode, uid: owner }]])
      },
      close() {
        unsubscribe()
        timer?.cancel()
      },
    }
  }
}

/** The user as whom all containers run, when it is one. */
function commonUser({ spec }: AgentPod): number | undefined {
  const users = new Set([...spec.containers, ...(spec.initContainers ?? [])].map((c) => c.securityContext?.runAsUser ?? spec.securityContext?.runAsUser))
  return users.size === 1 ? [...users][0] : undefined
}
