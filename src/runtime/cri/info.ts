// What a runtime says about itself.
import type { Decoded } from '../../base/grpc/protobuf.ts'
import type { RuntimeInfo } from '../container-runtime.ts'
import type { CriConnection } from './connection.ts'
import type { statusResponse } from './messages.ts'
import { methods } from './methods.ts'

type Conditions = NonNullable<Decoded<typeof statusResponse>['status']>['conditions']

export async function readInfo({ call }: CriConnection): Promise<RuntimeInfo> {
  const [version, { status, info }] = await Promise.all([call(methods.version, {}), call(methods.status, { verbose: true })])
  const conditions = status?.conditions ?? []
  const isMet = (type: string) => conditions.find((condition) => condition.type === type)?.status ?? false
  return {
    name: version.runtimeName, version: version.runtimeVersion, apiVersion: version.runtimeApiVersion, cgroupDriver: await readCgroupDriver(call, info.config),
    ready: isMet('RuntimeReady'), networkReady: isMet('NetworkReady'), message: explain(conditions),
    // What newer runtimes can do beyond that is not offered, because it is not asked of them.
    features: { imageVolumes: mountsImages(version.runtimeVersion), userNamespaces: false, recursiveReadOnlyMounts: false },
  }
}

/** As the kubelet words it in the node's Ready condition. */
function explain(conditions: Conditions): string {
  const subjects: Record<string, string> = { RuntimeReady: 'container runtime not ready', NetworkReady: 'container runtime network not ready' }
  const missing = conditions.filter(({ type, status }) => !status && subjects[type])
  return missing.map(({ type, reason, message }) => `${subjects[type]}: ${type}=false reason:${reason} message:${message}`).join('; ')
}

/** Before containerd 2.0 there is no call for it, and the verbose status carries the configuration instead. */
async function readCgroupDriver(call: CriConnection['call'], config = '{}'): Promise<'cgroupfs' | 'systemd'> {
  const answer = await call(methods.runtimeConfig, {}).catch(() => undefined)
  if (answer?.linux) return answer.linux.cgroupDriver
  const parsed = JSON.parse(config) as { containerd?: { defaultRuntimeName?: string; runtimes?: Record<string, { options?: { SystemdCgroup?: boolean } }> } }
  const { runtimes = {}, defaultRuntimeName = 'runc' } = parsed.containerd ?? {}
  return runtimes[defaultRuntimeName]?.options?.SystemdCgroup ? 'systemd' : 'cgroupfs'
}

/** containerd does from 2.1 on. */
function mountsImages(version: string): boolean {
  const [, major = 0, minor = 0] = (/^v?(\d+)\.(\d+)/.exec(version) ?? []).map(Number)
  return major > 2 || (major === 2 && minor >= 1)
}
