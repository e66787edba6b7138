// The node's heartbeat: a Lease renewed every ten seconds.
import { rfc3339Micro, type Clock, type Timer } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Lease, Node } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { leases } from '../../api/refs.ts'
import { ignoreNotFound } from '../../api/status-error.ts'
import type { Client } from '../../client/client.ts'

interface HeartbeatOptions {
  client: Client
  clock: Clock
  log: Logger
  node(): Stored<Node> | undefined
  nodeName: string
}

const renewMilliseconds = 10_000
const leaseDurationSeconds = 40
const namespace = 'kube-node-lease'

export function startHeartbeat({ client, clock, log, node, nodeName }: HeartbeatOptions): { stop(): void } {
  const api = client.resource(leases, namespace)
  let lease: Stored<Lease> | undefined
  let timer: Timer | undefined
  let stopped = false

  async function beat(): Promise<void> {
    const spec = { holderIdentity: nodeName, leaseDurationSeconds, renewTime: rfc3339Micro(clock.now()) }
    lease ??= await api.get(nodeName).catch(ignoreNotFound)
    if (lease) {
      lease = await api.update({ ...lease, spec: { ...lease.spec, ...spec } })
      return
    }
    const owner = node()
    const ownerReferences = owner ? [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: owner.metadata.uid }] : undefined
    lease = await api.create({ metadata: { name: nodeName, namespace, ownerReferences }, spec })
  }
  const again = () => {
    if (stopped) return
    beat().catch((error: Error) => {
      lease = undefined
      log.warn('node lease not renewed', { error })
    }).finally(() => {
      if (!stopped) timer = clock.after(renewMilliseconds, again)
    })
  }
  again()
  return {
    stop() {
      stopped = true
      timer?.cancel()
    },
  }
}
