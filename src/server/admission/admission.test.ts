import { setImmediate } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../../base/clock.ts'
import type { Pod, PodSpec } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import {
  clusterrolebindings, clusterroles, leases, limitranges, namespaces, nodes, persistentvolumeclaims, pods, priorityclasses, resourcequotas, rolebindings, runtimeclasses, serviceaccounts, storageclasses,
} from '../../api/refs.ts'
import type { ResourceDefinition, ResourceRef } from '../../api/resource.ts'
import { nodeUser } from '../../api/user.ts'
import type { UserInfo } from '../../api/user.ts'
import { createAuthorization } from '../authorization/authorization.ts'
import { bootstrapClusterRoles } from '../authorization/bootstrap-objects.ts'
import { createFakeObjectReader } from '../testing/fake-object-reader.ts'
import type { FakeObjectReader } from '../testing/fake-object-reader.ts'
import type { Client } from '../../client/client.ts'
import type { AdmissionRequest, Operation } from './admission.ts'
import { createAdmission } from './index.ts'

let reader: FakeObjectReader
let admit: (request: AdmissionRequest) => Promise<void>
let warnings: string[]
const clock = new FakeClock()
const fakeClient = {
  resource: () => ({ updateStatus: async (object: KubeObject) => reader.put(resourcequotas, object) }),
} as unknown as Client

beforeEach(() => {
  reader = createFakeObjectReader()
  reader.put(namespaces, { metadata: { name: 'shop' }, status: { phase: 'Active' } })
  reader.put(serviceaccounts, { metadata: { name: 'default', namespace: 'shop' } })
  const plugins = createAdmission({ reader, authorization: createAuthorization(reader), clock, client: () => fakeClient })
  warnings = []
  admit = async (request) => {
    for (const plugin of plugins) if (plugin.handles(request)) await plugin.mutate?.(request)
    for (const plugin of plugins) if (plugin.handles(request)) await plugin.validate?.(request)
  }
})

interface Asked {
  operation?: Operation
  user?: UserInfo
  subresource?: string
  current?: KubeObject
  name?: string
}

const ann: UserInfo = { name: 'ann', groups: ['system:authenticated'] }

async function write<T extends KubeObject>(ref: ResourceRef<T>, draft: T | undefined, { operation = 'CREATE', user = ann, subresource = '', current, name }: Asked = {}): Promise<T> {
  const definition = { group: ref.group, plural: ref.plural, kind: ref.kind, namespaced: ref.namespaced } as ResourceDefinition
  const attributes = {
    user, verb: operation.toLowerCase(), isResourceRequest: true, path: '', group: ref.group, version: ref.version, resource: ref.plural, subresource,
    namespace: ref.namespaced ? (draft?.metadata?.namespace ?? current?.metadata?.namespace ?? 'shop') : '', name: name ?? draft?.metadata?.name ?? '',
  }
  const request: AdmissionRequest = { operation, attributes, definition, draft: draft && structuredClone(draft), current, dryRun: false, warn: (text) => warnings.push(text) }
  await admit(request)
  return request.draft as T
}

const pod = (spec: Partial<PodSpec> = {}, metadata: Pod['metadata'] = {}): Pod => ({ metadata: { name: 'p', namespace: 'shop', ...metadata }, spec: { containers: [{ name: 'c', image: 'x' }], ...spec } })
const createPod = (spec: Partial<PodSpec> = {}, metadata: Pod['metadata'] = {}) => write(pods, pod(spec, metadata))

describe('a pod', () => {
  it('gets account, token, priority and tolerations', async () => {
    const { spec } = await createPod()
    const volume = spec!.volumes![0]!.name
    expect(volume).toMatch(/^kube-api-access-[a-z0-9]{5}$/)
    expect(spec).toEqual({
      serviceAccountName: 'default', serviceAccount: 'default', priority: 0, preemptionPolicy: 'PreemptLowerPriority',
      containers: [{ name: 'c', image: 'x', volumeMounts: [{ name: volume, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }] }],
      tolerations: ['not-ready', 'unreachable'].map((key) => ({ key: `node.kubernetes.io/${key}`, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 })),
      volumes: [{
        name: volume,
        projected: {
          defaultMode: 420,
          sources: [
            { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
            { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
          ],
        },
      }],
    })
  })

  it('mounts no token when pod or account do not want it, the pod first', async () => {
    expect((await createPod({ automountServiceAccountToken: false })).spec?.volumes).toBeUndefined()
    reader.put(serviceaccounts, { metadata: { name: 'default', namespace: 'shop' }, automountServiceAccountToken: false, imagePullSecrets: [{ name: 'pull' }] })
    expect((await createPod()).spec?.volumes).toBeUndefined()
    const wanted = await createPod({ automountServiceAccountToken: true })
    expect(wanted.spec).toMatchObject({ imagePullSecrets: [{ name: 'pull' }], volumes: [{ projected: {} }] })
  })

  it('waits for the default account of a new namespace', async () => {
    reader.remove(serviceaccounts, 'default', 'shop')
    const creation = createPod()
    await setImmediate()
    reader.put(serviceaccounts, { metadata: { name: 'default', namespace: 'shop' } })
    expect((await creation).spec?.serviceAccountName).toBe('default')
    reader.remove(serviceaccounts, 'default', 'shop')
    const refused = createPod()
    await setImmediate()
    clock.advance(5000)
    await expect(refused).rejects.toThrow('pods "p" is forbidden: error looking up service account shop/default: serviceaccount "default" not found')
  })

  it('takes priority and overhead from its classes', async () => {
    reader.put(priorityclasses, { metadata: { name: 'high' }, value: 9, preemptionPolicy: 'Never' })
    reader.put(runtimeclasses, { metadata: { name: 'kata' }, handler: 'kata', overhead: { podFixed: { cpu: '250m' } }, scheduling: { nodeSelector: { kata: 'yes' } } })
    const { spec } = await createPod({ priorityClassName: 'high', runtimeClassName: 'kata', nodeSelector: { a: 'b' } })
    expect(spec).toMatchObject({ priority: 9, preemptionPolicy: 'Never', overhead: { cpu: '250m' }, nodeSelector: { a: 'b', kata: 'yes' } })
  })

  it.each<[Partial<PodSpec>, string]>([
    [{ serviceAccountName: 'none' }, 'pods "p" is forbidden: error looking up service account shop/none: serviceaccount "none" not found'],
    [{ priorityClassName: 'none' }, 'pods "p" is forbidden: no PriorityClass with name none was found'],
    [{ priority: 5 }, 'pods "p" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name'],
    [{ runtimeClassName: 'none' }, 'pods "p" is forbidden: pod rejected: RuntimeClass "none" not found'],
    [{ overhead: { cpu: '1' } }, 'pods "p" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead'],
  ])('with %j is refused', async (spec, message) => {
    await expect(createPod(spec)).rejects.toThrow(message)
  })
})

describe('a resize', () => {
  it('is refused beyond what the node has', async () => {
    reader.put(nodes, { metadata: { name: 'n1' }, status: { allocatable: { cpu: '2', memory: '1Gi' } } })
    const resized = (cpu: string, generation: number) => pod({ nodeName: 'n1', serviceAccountName: 'default', containers: [{ name: 'c', resources: { requests: { cpu } } }] }, { generation })
    const resize = (cpu: string) => write(pods, resized(cpu, 2), { operation: 'UPDATE', subresource: 'resize', current: resized('1', 1) })
    await resize('2')
    await expect(resize('2100m')).rejects.toMatchObject({
      message: 'pods "p" is forbidden: node didn\'t have enough allocatable resources: cpu, requested: 2100, allocatable: 2000', status: { details: { causes: [{ reason: 'NodeCapacity' }] } },
    })
  })
})

describe('namespaces', () => {
  it('that are missing or going away take nothing new', async () => {
    await expect(write(pods, pod({}, { namespace: 'none' }))).rejects.toMatchObject({ code: 404, message: 'namespaces "none" not found' })
    reader.put(namespaces, { metadata: { name: 'shop' }, status: { phase: 'Terminating' } })
    await expect(createPod()).rejects.toMatchObject({
      message: 'pods "p" is forbidden: unable to create new content in namespace shop because it is being terminated',
      status: { details: { causes: [{ reason: 'NamespaceTerminating', field: 'metadata.namespace' }] } },
    })
    await expect(write(namespaces, undefined, { operation: 'DELETE', name: 'default' })).rejects.toThrow('namespaces "default" is forbidden: this namespace may not be deleted')
  })
})

describe('limit ranges', () => {
  beforeEach(() => {
    reader.put(limitranges, {
      metadata: { name: 'l', namespace: 'shop' },
      spec: {
        limits: [
          { type: 'Container', min: { cpu: '100m' }, max: { cpu: '1', memory: '1Gi' }, maxLimitRequestRatio: { cpu: '2' }, default: { memory: '100Mi' }, defaultRequest: { memory: '50Mi' } },
          { type: 'Pod', max: { cpu: '1500m' } }, { type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '1Gi' } },
        ],
      },
    })
  })
  const withCpu = (request: string, limit: string) => ({ containers: [{ name: 'c', resources: { requests: { cpu: request }, limits: { cpu: limit } } }] })

  it('fill in what is not asked for', async () => {
    const { metadata, spec } = await createPod(withCpu('100m', '200m'))
    expect(spec?.containers[0]?.resources).toEqual({ limits: { cpu: '200m', memory: '100Mi' }, requests: { cpu: '100m', memory: '50Mi' } })
    expect(metadata?.annotations).toEqual({ 'kubernetes.io/limit-ranger': 'LimitRanger plugin set: memory request for container c; memory limit for container c' })
  })

  it('refuse what is out of bounds', async () => {
    await expect(createPod(withCpu('50m', '2'))).rejects.toThrow('pods "p" is forbidden: [minimum cpu usage per Container is 100m, but request is 50m, maximum cpu usage per Container is 1, but limit is 2, '
      + 'cpu max limit to request ratio per Container is 2, but provided ratio is 40.000000, maximum cpu usage per Pod is 1500m, but limit is 2]')
    await expect(write(persistentvolumeclaims, { metadata: { name: 'p', namespace: 'shop' }, spec: { resources: { requests: { storage: '1500Mi' } } } }))
      .rejects.toThrow('persistentvolumeclaims "p" is forbidden: maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 1500Mi')
  })
})

describe('claims', () => {
  it('get the newest default class and a finalizer, and grow when they may', async () => {
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' }
    reader.put(storageclasses, { metadata: { name: 'old', annotations, creationTimestamp: '2026-01-01T00:00:00Z' }, provisioner: 'p' })
    reader.put(storageclasses, { metadata: { name: 'new', annotations, creationTimestamp: '2026-02-01T00:00:00Z' }, provisioner: 'p' })
    const claim = (storage: string) => ({ metadata: { name: 'p', namespace: 'shop' }, spec: { resources: { requests: { storage } } } })
    const made = await write(persistentvolumeclaims, claim('1Gi'))
    expect(made).toMatchObject({ metadata: { finalizers: ['kubernetes.io/pvc-protection'] }, spec: { storageClassName: 'new' } })
    const grow = (phase: string) => {
      const bigger = { ...made, spec: { ...made.spec, resources: { requests: { storage: '2Gi' } } } }
      return write(persistentvolumeclaims, bigger, { operation: 'UPDATE', current: { ...made, status: { phase } } as KubeObject })
    }
    await expect(grow('Pending')).rejects.toThrow('Only bound persistent volume claims can be expanded')
    await expect(grow('Bound')).rejects.toThrow('the storageclass that provisions the pvc must support resize')
    reader.put(storageclasses, { metadata: { name: 'new' }, provisioner: 'p', allowVolumeExpansion: true })
    await grow('Bound')
  })
})

describe('nodes', () => {
  const node = nodeUser('n1')
  const own = (labels: Record<string, string> = {}) => ({ metadata: { name: 'n1', labels }, spec: {} })

  it('start unready and may set harmless labels only', async () => {
    expect((await write(nodes, own({ 'kubernetes.io/hostname': 'n1', 'node.kubernetes.io/x': 'y', 'color': 'red' }), { user: node })).spec?.taints).toEqual([{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }])
    await expect(write(nodes, own({ 'node-role.kubernetes.io/master': '' }), { user: node })).rejects.toThrow('nodes "n1" is forbidden: node "n1" is not allowed to set the following labels: node-role.kubernetes.io/master')
    await expect(write(nodes, { metadata: { name: 'n2' } }, { user: node })).rejects.toThrow('node "n1" is not allowed to modify node "n2"')
    await expect(write(nodes, { ...own(), spec: { taints: [] } }, { user: node, operation: 'UPDATE', current: { ...own(), spec: { taints: [{ key: 'a', effect: 'NoExecute' }] } } as KubeObject })).rejects.toThrow('is not allowed to modify taints')
  })

  it('write the status of their own pods, their own lease and no ordinary pods', async () => {
    const [mine, other] = [pod({ nodeName: 'n1' }), pod({ nodeName: 'n2' })]
    await write(pods, mine, { user: node, operation: 'UPDATE', subresource: 'status', current: mine })
    await expect(write(pods, other, { user: node, operation: 'UPDATE', subresource: 'status', current: other })).rejects.toThrow('node "n1" can only update pod status for pods with spec.nodeName set to itself')
    await expect(createPod({ nodeName: 'n1' }).then(() => write(pods, mine, { user: node }))).rejects.toThrow('pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods')
    reader.put(namespaces, { metadata: { name: 'kube-node-lease' } })
    await write(leases, { metadata: { name: 'n1', namespace: 'kube-node-lease' } }, { user: node })
    await expect(write(leases, { metadata: { name: 'n2', namespace: 'kube-node-lease' } }, { user: node })).rejects.toThrow('can only access node lease with the same name as the requesting node')
  })

  it('ask for tokens of the pods on them only', async () => {
    const bound = reader.put(pods, pod({ nodeName: 'n1', volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't', audience: 'vault' } }] } }] }))
    const ask = (name: string, uid: string, audiences: string[]) => {
      const body = { metadata: { namespace: 'shop' }, spec: { audiences, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } } }
      return write(serviceaccounts, body as KubeObject, { user: node, subresource: 'token', name: 'default' })
    }
    await ask('p', bound.metadata.uid, ['vault'])
    await expect(ask('p', bound.metadata.uid, ['other'])).rejects.toThrow('audience "other" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience')
    await expect(ask('p', 'old', ['vault'])).rejects.toThrow('does not match the UID in record')
    reader.put(pods, pod({ nodeName: 'n2' }))
    await expect(ask('p', bound.metadata.uid, [])).rejects.toThrow('node requested token bound to a pod scheduled on a different node')
  })
})

describe('roles and bindings', () => {
  beforeEach(() => {
    for (const role of bootstrapClusterRoles()) reader.put(clusterroles, role)
    reader.put(clusterroles, { metadata: { name: 'own' }, rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] })
    reader.put(clusterrolebindings, { metadata: { name: 'own' }, roleRef: { apiGroup: '', kind: 'ClusterRole', name: 'own' }, subjects: [{ kind: 'User', name: 'ann' }] })
  })
  const role = (verbs: string[]) => ({ metadata: { name: 'x' }, rules: [{ verbs, apiGroups: [''], resources: ['pods', 'secrets'] }] })
  const binding = (name: string) => ({ metadata: { name: 'x', namespace: 'shop' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name }, subjects: [] })

  it('grant only what their author holds', async () => {
    await write(clusterroles, { metadata: { name: 'x' }, rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] })
    await expect(write(clusterroles, role(['get', 'list']), { user: { name: 'ann', groups: ['g1', 'system:authenticated'] } })).rejects.toThrow(
      'clusterroles.rbac.authorization.k8s.io "x" is forbidden: user "ann" (groups=["g1" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n'
      + '{APIGroups:[""], Resources:["pods"], Verbs:["list"]}\n{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}')
    await expect(write(clusterroles, { ...role([]), rules: [], aggregationRule: { clusterRoleSelectors: [{}] } })).rejects.toThrow('must have cluster-admin privileges to use the aggregationRule')
    await write(rolebindings, binding('own'))
    await expect(write(rolebindings, binding('cluster-admin'))).rejects.toThrow('rolebindings.rbac.authorization.k8s.io "x" is forbidden: user "ann"')
  })

  it('grant anything when their author may escalate or bind', async () => {
    reader.put(clusterroles, { metadata: { name: 'own' }, rules: [{ verbs: ['escalate', 'bind'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'] }] })
    await write(clusterroles, role(['get']))
    await write(rolebindings, binding('cluster-admin'))
    await write(clusterroles, role(['get']), { user: { name: 'root', groups: ['system:masters'] } })
  })
})

describe('Pod Security', () => {
  const bad: Partial<PodSpec> = {
    hostNetwork: true, hostPID: true,
    securityContext: { runAsUser: 0, seccompProfile: { type: 'Unconfined' }, sysctls: [{ name: 'kernel.msgmax', value: '1' }], seLinuxOptions: { type: 'foo', user: 'bar' } },
    volumes: [{ name: 'h', hostPath: { path: '/' } }, { name: 'nn', nfs: { server: 'a', path: '/b' } }],
    initContainers: [{ name: 'i', image: 'x', securityContext: { capabilities: { add: ['SYS_ADMIN', 'NET_RAW'] } } }],
    containers: [{
      name: 'c', image: 'x', ports: [{ hostPort: 80, containerPort: 80 }], securityContext: { privileged: true, runAsNonRoot: false }, livenessProbe: { httpGet: { host: 'h', port: 80 as unknown as string } },
    }],
  }
  const annotations = { 'container.apparmor.security.beta.kubernetes.io/c': 'unconfined' }
  const label = (labels: Record<string, string>) => {
    const all = Object.fromEntries(Object.entries(labels).map(([key, value]) => [`pod-security.kubernetes.io/${key}`, value]))
    return reader.put(namespaces, { metadata: { name: 'shop', labels: all }, status: { phase: 'Active' } })
  }
  // As a v1.36 API server answers.
  const common = 'host namespaces (hostNetwork=true, hostPID=true)'
  const both = 'hostPort (container "c" uses hostPort 80), probe or lifecycle host (container "c" uses probe or lifecycle host "h"), privileged (container "c" must not set securityContext.privileged=true), '
    + 'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "foo"; user may not be set)'
  const appArmor = 'forbidden AppArmor profiles (annotation must not set AppArmor profile type to "container.apparmor.security.beta.kubernetes.io/c="unconfined"")'
  const seccomp = 'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")'
  const restricted = `violates PodSecurity "restricted:latest": ${appArmor.replace('profiles', 'profile')}, ${common}, ${both}, forbidden sysctls (kernel.msgmax), `
    + 'allowPrivilegeEscalation != false (containers "i", "c" must set securityContext.allowPrivilegeEscalation=false), '
    + 'unrestricted capabilities (containers "i", "c" must set securityContext.capabilities.drop=["ALL"]; container "i" must not include "NET_RAW", "SYS_ADMIN" in securityContext.capabilities.add), '
    + 'restricted volume types (volumes "h", "nn" use restricted volume types "hostPath", "nfs"), runAsNonRoot != true (container "c" must not set securityContext.runAsNonRoot=false), '
    + `runAsUser=0 (pod must not set runAsUser=0), ${seccomp}`
  const baseline = `would violate PodSecurity "baseline:latest": ${appArmor.replace('profiles', 'profile')}, `
    + `non-default capabilities (container "i" must not include "NET_RAW", "SYS_ADMIN" in securityContext.capabilities.add), ${common}, hostPath volumes (volume "h"), ${both}, ${seccomp}, forbidden sysctls (kernel.msgmax)`

  it('refuses what the namespace enforces', async () => {
    label({ enforce: 'restricted' })
    await expect(createPod(bad, { annotations })).rejects.toThrow(`pods "p" is forbidden: ${restricted}`)
  })

  it('warns of what the namespace warns of, also for templates', async () => {
    label({ warn: 'baseline' })
    await createPod(bad, { annotations })
    expect(warnings).toEqual([baseline])
    warnings.length = 0
    const deployments: ResourceRef = { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment', namespaced: true }
    await write(deployments, { metadata: { name: 'd', namespace: 'shop' }, spec: { template: { metadata: { annotations }, spec: bad } } } as KubeObject)
    expect(warnings).toEqual([baseline])
  })

  it('admits a pod that keeps to the strictest level', async () => {
    label({ enforce: 'restricted' })
    await createPod({
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [{ name: 'c', image: 'x', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }],
    })
    expect(warnings).toEqual([])
  })

  it('checks labels, and tells of pods that a stricter level would not admit', async () => {
    const before = label({})
    reader.put(pods, pod({ hostNetwork: true }))
    const labelled = (level: string) => ({ ...before, metadata: { ...before.metadata, labels: { 'pod-security.kubernetes.io/enforce': level } } })
    await expect(write(namespaces, labelled('foo'), { operation: 'UPDATE', current: before })).rejects.toThrow(
      'Namespace "shop" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "foo": must be one of privileged, baseline, restricted')
    await write(namespaces, labelled('baseline'), { operation: 'UPDATE', current: before })
    expect(warnings).toEqual(['existing pods in namespace "shop" violate the new PodSecurity enforce level "baseline:latest"', 'p: host namespaces'])
  })
})

describe('quotas', () => {
  const services: ResourceRef = { group: '', version: 'v1', plural: 'services', kind: 'Service', namespaced: true }
  const quota = (hard: Record<string, string>, spec: object = {}) => {
    const used = Object.fromEntries(Object.keys(hard).map((name) => [name, '0']))
    return reader.put(resourcequotas, { metadata: { name: 'q', namespace: 'shop' }, spec: { hard, ...spec }, status: { hard, used } })
  }
  const used = () => reader.get(resourcequotas, 'q', 'shop')?.status?.used
  const withRequests = (cpu: string, memory: string) => ({ containers: [{ name: 'c', resources: { requests: { cpu, memory }, limits: { cpu } } }] })

  it('count what is made and refuse what is too much', async () => {
    quota({ 'pods': '2', 'requests.cpu': '500m', 'limits.cpu': '1', 'count/pods': '5' })
    await createPod(withRequests('300m', '1Gi'))
    expect(used()).toEqual({ 'pods': '1', 'requests.cpu': '300m', 'limits.cpu': '300m', 'count/pods': '1' })
    await expect(createPod(withRequests('300m', '1Gi'))).rejects.toThrow('pods "p" is forbidden: exceeded quota: q, requested: requests.cpu=300m, used: requests.cpu=300m, limited: requests.cpu=500m')
    await expect(createPod()).rejects.toThrow('pods "p" is forbidden: failed quota: q: must specify limits.cpu for: c; requests.cpu for: c')
    await Promise.all([createPod(withRequests('100m', '1')), expect(createPod(withRequests('100m', '1'))).rejects.toThrow('exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2')])
  })

  it('count services by their type, on updates only the difference', async () => {
    quota({ 'services': '5', 'services.nodeports': '1', 'count/services': '5' })
    const service = (type: string) => ({ metadata: { name: 's', namespace: 'shop' }, spec: { type, ports: [{ port: 80 }] } }) as KubeObject
    await write(services, service('ClusterIP'))
    await write(services, service('NodePort'), { operation: 'UPDATE', current: service('ClusterIP') })
    expect(used()).toEqual({ 'services': '1', 'services.nodeports': '1', 'count/services': '1' })
    await expect(write(services, service('NodePort'))).rejects.toThrow('exceeded quota: q, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1')
  })

  it('leave out what their scopes leave out, and what is not known yet', async () => {
    quota({ pods: '0' }, { scopes: ['Terminating', 'NotBestEffort'] })
    await createPod(withRequests('1', '1'))
    await expect(createPod({ ...withRequests('1', '1'), activeDeadlineSeconds: 5 })).rejects.toThrow('exceeded quota')
    reader.put(resourcequotas, { metadata: { name: 'q', namespace: 'shop' }, spec: { hard: { pods: '1' } }, status: { hard: { pods: '1' } } })
    await expect(createPod()).rejects.toThrow('status unknown for quota: q, resources: pods')
  })
})
