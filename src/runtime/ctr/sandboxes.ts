// A pod's sandbox: a network namespace with its CNI attachment, a pause process that holds the other namespaces, and the files its containers share.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { run } from '../../base/child-process.ts'
import { readIfThere } from '../../base/read-file.ts'
import { addressesOf, attach, detach, readNetworkConfiguration } from '../../cni/plugins.ts'
import { RuntimeError, type Sandbox, type SandboxSpec, type SandboxStatus } from '../container-runtime.ts'
import { cgroupOf, directoryOf, networkNamespaceOf, type CtrContext } from './context.ts'
import { unlessNotFound } from './images.ts'
import { defaultCapabilities } from './oci/capabilities.ts'
import { pauseSpec } from './oci/spec.ts'
import { resolveUser } from './oci/users.ts'
import type { SandboxRecord } from './records.ts'
import { mountAt, unmount } from './rootfs.ts'
import { findTask } from './tasks.ts'

export async function runSandbox(context: CtrContext, spec: SandboxSpec): Promise<string> {
  if (spec.runtimeHandler !== '' && spec.runtimeHandler !== 'runc') throw new RuntimeError('Unknown', `failed to get sandbox runtime: no runtime for ${JSON.stringify(spec.runtimeHandler)} is configured`)
  const id = randomBytes(32).toString('hex')
  const onNode = spec.namespaces.network === 'node'
  const record = context.sandboxes.save({
    id, phase: 'creating', spec, createdAt: Date.now(), cgroup: cgroupOf(spec.cgroupParent, id), ...(onNode ? {} : { networkNamespace: networkNamespaceOf(context, id) }),
  })
  try {
    await prepareFiles(context, record)
    if (record.networkNamespace) await makeNetworkNamespace(record.networkNamespace)
    // Network and process need nothing of each other.
    const outcomes = await Promise.allSettled([attachNetwork(context, record), startPause(context, record)])
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed) throw failed.reason
  } catch (error) {
    await removeSandbox(context, id).catch(() => undefined)
    throw error
  }
  context.sandboxes.save({ ...context.sandboxes.get(id)!, phase: 'ready' })
  return id
}

async function prepareFiles(context: CtrContext, { id, spec }: SandboxRecord): Promise<void> {
  const directory = directoryOf(context, id)
  mkdirSync(directory, { recursive: true, mode: 0o711 })
  writeFileSync(join(directory, 'hostname'), `${hostnameOf(spec)}\n`)
  writeFileSync(join(directory, 'hosts'), readIfThere('/etc/hosts'))
  writeFileSync(join(directory, 'resolv.conf'), spec.dns ? renderResolvConf(spec.dns) : readIfThere('/etc/resolv.conf'))
  if (spec.namespaces.ipc === 'node') return
  mkdirSync(sharedMemoryOf(context, { id, spec }), { recursive: true })
  await mountAt(['-t', 'tmpfs', '-o', 'noexec,nosuid,nodev,mode=1777,size=65536k', 'shm', sharedMemoryOf(context, { id, spec })])
}

export const hostnameOf = (spec: SandboxSpec): string => (spec.namespaces.network === 'node' ? hostname() : spec.hostname)

export const sharedMemoryOf = (context: CtrContext, { id, spec }: Pick<SandboxRecord, 'id' | 'spec'>): string => (spec.namespaces.ipc === 'node' ? '/dev/shm' : join(directoryOf(context, id), 'shm'))

function renderResolvConf({ servers, searches, options }: NonNullable<SandboxSpec['dns']>): string {
  const line = (word: string, values: readonly string[]) => (values.length > 0 ? `${word} ${values.join(' ')}\n` : '')
  return line('search', searches) + servers.map((server) => `nameserver ${server}\n`).join('') + line('options', options)
}

/** A namespace stays as long as it is mounted somewhere. */
async function makeNetworkNamespace(path: string): Promise<void> {
  writeFileSync(path, '')
  const { code, stderr } = await run('unshare', [`--net=${path}`, 'ip', 'link', 'set', 'lo', 'up'], { timeoutMilliseconds: 30_000 })
  if (code !== 0) throw new RuntimeError('Unknown', `failed to create network namespace for sandbox: ${stderr.trim()}`)
}

async function attachNetwork(context: CtrContext, record: SandboxRecord): Promise<void> {
  const { id, spec, networkNamespace } = record
  if (!networkNamespace) return
  const configuration = await readNetworkConfiguration(context.cniConfigDirectory)
  if (!configuration) throw new RuntimeError('Unknown', `failed to setup network for sandbox ${JSON.stringify(id)}: cni plugin not initialized`)
  const planned = {
    configuration, containerId: id, namespacePath: networkNamespace, interfaceName: 'eth0',
    args: { K8S_POD_NAMESPACE: spec.namespace, K8S_POD_NAME: spec.name, K8S_POD_INFRA_CONTAINER_ID: id, K8S_POD_UID: spec.uid },
    capabilities: { ...(spec.portMappings.length > 0 ? { portMappings: spec.portMappings.map((mapping) => ({ ...mapping, protocol: mapping.protocol.toLowerCase() })) } : {}), ...(spec.dns ? { dns: spec.dns } : {}) },
  }
  context.sandboxes.save({ ...record, network: planned })
  const network = await attach(planned, context.cniBinDirectory).catch((error: Error) => {
    throw new RuntimeError('Unknown', `failed to setup network for sandbox ${JSON.stringify(id)}: ${error.message}`, error)
  })
  context.sandboxes.save({ ...record, network })
}

async function startPause(context: CtrContext, { id, spec, cgroup, networkNamespace }: SandboxRecord): Promise<void> {
  const [{ image, root }, seccomp, apparmor] = await Promise.all([context.pause(), context.profiles.seccomp(spec.security, defaultCapabilities), context.profiles.apparmor(spec.security)])
  const user = await resolveUser(root, image.config.User ?? '', { ...spec.security, supplementalGroups: spec.security.supplementalGroups })
  const oci = pauseSpec({ spec, id, root, image: image.config, user, cgroup, networkNamespace, host: context.host, seccomp, apparmor })
  await createContainerOf(context, id, oci, { 'io.mk8s.kind': 'sandbox', 'io.mk8s.pod': `${spec.namespace}/${spec.name}` })
  try {
    await context.containerd.ctr(['tasks', 'start', '--detach', '--null-io', id])
  } catch (error) {
    throw new RuntimeError('Unknown', `failed to start sandbox ${JSON.stringify(id)}: ${(error as Error).message}`, error)
  }
}

/** containerd's own record, with the specification that runc gets. */
export async function createContainerOf(context: CtrContext, id: string, oci: unknown, labels: Record<string, string>): Promise<void> {
  const file = join(directoryOf(context, id), 'config.json')
  writeFileSync(file, JSON.stringify(oci), { mode: 0o600 })
  try {
    await context.containerd.ctr(['containers', 'create', '--config', file, ...Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]), id])
  } finally {
    rmSync(file, { force: true })
  }
}

/** Its containers have ended before. */
export async function stopSandbox(context: CtrContext, id: string): Promise<void> {
  const record = context.sandboxes.get(id)
  if (!record || record.phase === 'stopped') return
  const { network, networkNamespace } = record
  // After a reboot there is no namespace; the plug-ins then let go of what they keep elsewhere.
  if (network) await detach(networkNamespace && existsSync(networkNamespace) ? network : { ...network, namespacePath: '' }, context.cniBinDirectory)
  if (networkNamespace) await unmount(networkNamespace)
  await unlessNotFound(context.containerd.ctr(['tasks', 'delete', '--force', id]))
  const { network: _detached, ...rest } = record
  context.sandboxes.save({ ...rest, phase: 'stopped' })
}

export async function removeSandbox(context: CtrContext, id: string): Promise<void> {
  if (!context.sandboxes.get(id)) return
  await stopSandbox(context, id)
  await discardSandbox(context, id)
}

/** Also for one whose record says nothing. */
export async function discardSandbox(context: CtrContext, id: string): Promise<void> {
  if (context.sandboxes.get(id)?.phase !== 'stopped') await unlessNotFound(context.containerd.ctr(['tasks', 'delete', '--force', id]))
  await unlessNotFound(context.containerd.ctr(['containers', 'delete', id]))
  await unmount(networkNamespaceOf(context, id))
  await unmount(join(directoryOf(context, id), 'shm'))
  rmSync(directoryOf(context, id), { recursive: true, force: true })
  context.sandboxes.remove(id)
}

export function asSandbox({ id, phase, spec, createdAt }: SandboxRecord, isRunning: boolean): Sandbox {
  const { name, namespace, uid, attempt, labels, annotations } = spec
  return { id, ready: phase === 'ready' && isRunning, name, namespace, uid, attempt, createdAt, labels, annotations }
}

export async function sandboxStatus(context: CtrContext, id: string): Promise<SandboxStatus> {
  const record = context.sandboxes.get(id)
  if (!record || record.phase === 'creating') throw new RuntimeError('NotFound', `an error occurred when try to find sandbox: not found`)
  const task = await findTask(context, id)
  return { ...asSandbox(record, task?.status === 'running'), ips: record.network ? addressesOf(record.network) : [] }
}
