import { beforeEach, describe, expect, it } from 'vitest'
import type { PolicyRule } from '../../api/generated/types.ts'
import { clusterrolebindings, clusterroles, persistentvolumes, pods, rolebindings, roles } from '../../api/refs.ts'
import { mastersUser, nodeUser, serviceAccountUser } from '../../api/user.ts'
import type { Attributes, UserInfo } from '../../api/user.ts'
import { createFakeObjectReader } from '../testing/fake-object-reader.ts'
import type { FakeObjectReader } from '../testing/fake-object-reader.ts'
import { createAuthorization } from './authorization.ts'
import type { Authorization } from './authorization.ts'
import { bootstrapClusterRoleBindings, bootstrapClusterRoles, bootstrapRoleBindings, bootstrapRoles } from './bootstrap-objects.ts'
import { forbiddenByAuthorizer } from './forbidden.ts'
import { compactRules, describeRule, missingRules } from './rules.ts'

let reader: FakeObjectReader
let authorization: Authorization

beforeEach(() => {
  reader = createFakeObjectReader()
  authorization = createAuthorization(reader)
})

/** `get pods/log in ns named x`, or `get /path`. */
function attributes(user: UserInfo, text: string, more: Partial<Attributes> = {}): Attributes {
  const [, verb = '', what = '', namespace = '', name = ''] = /^(\S+) (\S+)(?: in (\S+))?(?: named (\S+))?$/.exec(text)!
  const base = { user, verb, namespace, name, path: '', group: '', version: 'v1', resource: '', subresource: '', isResourceRequest: true }
  if (what.startsWith('/')) return { ...base, path: what, isResourceRequest: false, ...more }
  const [resources = '', subresource = ''] = what.split('/')
  const [resource = '', ...group] = resources.split('.')
  return { ...base, resource, subresource, group: group.join('.'), ...more }
}
const decide = (user: UserInfo, text: string, more: Partial<Attributes> = {}) => authorization.authorize(attributes(user, text, more))

const ann: UserInfo = { name: 'ann', groups: ['devs', 'system:authenticated'] }
const account = serviceAccountUser('shop', 'web')

describe('RBAC', () => {
  beforeEach(() => {
    reader.put(clusterroles, { metadata: { name: 'reader' }, rules: [{ verbs: ['get', 'list'], apiGroups: ['', 'apps'], resources: ['pods', 'deployments', '*/scale'] }] })
    reader.put(clusterroles, { metadata: { name: 'paths' }, rules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/metrics/*'] }] })
    reader.put(roles, { metadata: { name: 'secret', namespace: 'shop' }, rules: [{ verbs: ['*'], apiGroups: [''], resources: ['secrets'], resourceNames: ['one'] }] })
    reader.put(clusterrolebindings, {
      metadata: { name: 'devs' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' },
      subjects: [{ kind: 'Group', name: 'devs', apiGroup: 'rbac.authorization.k8s.io' }],
    })
    reader.put(clusterrolebindings, { metadata: { name: 'paths' }, roleRef: { apiGroup: '', kind: 'ClusterRole', name: 'paths' }, subjects: [{ kind: 'User', name: 'ann' }] })
    reader.put(rolebindings, {
      metadata: { name: 'web', namespace: 'shop' }, roleRef: { apiGroup: '', kind: 'Role', name: 'secret' }, subjects: [{ kind: 'ServiceAccount', name: 'web', namespace: 'shop' }],
    })
  })

  it.each([
    [ann, 'get pods in shop', true], [ann, 'list deployments.apps', true], [ann, 'delete pods in shop', false], [ann, 'get pods/log in shop', false],
    [ann, 'get statefulsets/scale.apps', false], [ann, 'get replicasets.apps/scale', true], [ann, 'get pods.metrics.k8s.io', false],
    [ann, 'get /healthz', true], [ann, 'get /metrics/x', true], [ann, 'get /metrics', false], [ann, 'post /healthz', false],
    [account, 'get secrets in shop named one', true], [account, 'delete secrets in shop named one', true], [account, 'get secrets in shop named two', false],
    [account, 'list secrets in shop', false], [account, 'get secrets in other named one', false],
    [serviceAccountUser('other', 'web'), 'get secrets in shop named one', false], [mastersUser, 'delete anything', true],
  ])('%o may %s: %s', (user, what, allowed) => {
    expect(decide(user, what).verdict).toBe(allowed ? 'allow' : 'no-opinion')
  })

  it('says as upstream does why', () => {
    expect(decide(ann, 'get pods').reason).toBe('RBAC: allowed by ClusterRoleBinding "devs" of ClusterRole "reader" to Group "devs"')
    expect(decide(account, 'get secrets in shop named one').reason).toBe('RBAC: allowed by RoleBinding "web/shop" of Role "secret" to ServiceAccount "web/shop"')
    reader.remove(clusterroles, 'reader')
    expect(decide(ann, 'get pods').reason).toBe('RBAC: clusterrole.rbac.authorization.k8s.io "reader" not found')
    const asked = attributes(ann, 'get pods/log in shop named a<b')
    expect(forbiddenByAuthorizer(asked, '').message).toBe('pods "a<b" is forbidden: User "ann" cannot get resource "pods/log" in API group "" in the namespace "shop"')
    expect(forbiddenByAuthorizer(attributes({ name: '<x>', groups: [] }, 'get /y'), 'no').message).toBe('forbidden: User "&lt;x&gt;" cannot get path "/y": no')
  })

  it('follows changes of bindings and roles', () => {
    reader.put(clusterrolebindings, { metadata: { name: 'devs' }, roleRef: { apiGroup: '', kind: 'ClusterRole', name: 'reader' }, subjects: [{ kind: 'Group', name: 'ops' }] })
    expect(decide(ann, 'get pods').verdict).toBe('no-opinion')
    expect(decide({ name: 'bob', groups: ['ops'] }, 'get pods').verdict).toBe('allow')
    reader.put(clusterroles, { metadata: { name: 'reader' }, rules: [] })
    expect(decide({ name: 'bob', groups: ['ops'] }, 'get pods').verdict).toBe('no-opinion')
    reader.remove(rolebindings, 'web', 'shop')
    expect(decide(account, 'get secrets in shop named one').verdict).toBe('no-opinion')
  })
})

describe('bootstrap policy', () => {
  beforeEach(() => {
    for (const role of bootstrapClusterRoles()) reader.put(clusterroles, role)
    for (const role of bootstrapRoles()) reader.put(roles, role)
    for (const binding of bootstrapClusterRoleBindings()) reader.put(clusterrolebindings, binding)
    for (const binding of bootstrapRoleBindings()) reader.put(rolebindings, binding)
  })

  it.each([
    [{ name: 'system:anonymous', groups: ['system:unauthenticated'] }, 'get /version', true],
    [{ name: 'system:anonymous', groups: ['system:unauthenticated'] }, 'get /metrics', false],
    [serviceAccountUser('kube-system', 'replicaset-controller'), 'create pods in shop', true],
    [serviceAccountUser('kube-system', 'replicaset-controller'), 'create secrets in shop', false],
    [serviceAccountUser('kube-system', 'namespace-controller'), 'deletecollection anything.any.group in shop', true],
    [{ name: 'system:kube-scheduler', groups: [] }, 'create pods/binding in shop', true],
    [ann, 'create selfsubjectaccessreviews.authorization.k8s.io', true],
    [{ name: 'x', groups: ['system:bootstrappers:mk8s:join'] }, 'create certificatesigningrequests.certificates.k8s.io', true],
  ])('%o may %s: %s', (user, what, allowed) => {
    expect(decide(user, what).verdict).toBe(allowed ? 'allow' : 'no-opinion')
  })
})

describe('rules', () => {
  const rule = (verbs: string, resources: string, names?: string): PolicyRule => ({
    verbs: verbs.split(','), apiGroups: [''], resources: resources.split(','), ...(names ? { resourceNames: names.split(',') } : {}),
  })

  it.each([
    [[rule('*', '*')], rule('get,list', 'pods'), 0],
    [[rule('get', 'pods')], rule('get,list', 'pods'), 1],
    [[rule('get', 'pods'), rule('list', 'pods')], rule('get,list', 'pods'), 0],
    [[rule('get', 'pods', 'a')], rule('get', 'pods'), 1],
    [[rule('get', 'pods')], rule('get', 'pods', 'a,b'), 0],
    [[rule('get', '*/log')], rule('get', 'pods/log'), 0],
    [[rule('get', 'pods')], rule('*', 'pods'), 1],
    [[{ verbs: ['get'], nonResourceURLs: ['/a/*'] }], { verbs: ['get'], nonResourceURLs: ['/a/b'] }, 0],
  ])('of %j, %j lacks %d', (held, wanted, missing) => {
    expect(missingRules(held, [wanted])).toHaveLength(missing)
  })

  it('describes what is missing as upstream does', () => {
    expect(compactRules(missingRules([], [rule('get,list', 'pods', 'a')])).map(describeRule)).toEqual(['{APIGroups:[""], Resources:["pods"], ResourceNames:["a"], Verbs:["get" "list"]}'])
  })
})

describe('node authorizer', () => {
  const node = nodeUser('n1')
  beforeEach(() => {
    const spec = {
      nodeName: 'n1', serviceAccountName: 'web', imagePullSecrets: [{ name: 'pull' }],
      containers: [{ name: 'c', envFrom: [{ configMapRef: { name: 'env' } }], env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'key', key: 'k' } } }] }],
      volumes: [{ name: 'v', projected: { sources: [{ secret: { name: 'projected' } }] } }, { name: 'p', persistentVolumeClaim: { claimName: 'data' } }],
    }
    reader.put(pods, { metadata: { name: 'a', namespace: 'shop' }, spec })
    reader.put(pods, { metadata: { name: 'other', namespace: 'shop' }, spec: { nodeName: 'n2', containers: [{ name: 'c', envFrom: [{ secretRef: { name: 'theirs' } }] }] } })
    reader.put(pods, { metadata: { name: 'mirror', namespace: 'shop', annotations: { 'kubernetes.io/config.mirror': 'x' } }, spec: { nodeName: 'n1', containers: [], imagePullSecrets: [{ name: 'sneaky' }] } })
    reader.put(persistentvolumes, { metadata: { name: 'pv' }, spec: { claimRef: { namespace: 'shop', name: 'data' }, csi: { driver: 'd', volumeHandle: 'h', nodeStageSecretRef: { name: 'stage', namespace: 'store' } } } })
  })

  it.each([
    ['get secrets in shop named pull', true], ['list secrets in shop named key', true], ['watch secrets in shop named projected', true], ['get secrets in store named stage', true],
    ['get secrets in shop named theirs', false], ['get secrets in shop named sneaky', false], ['get secrets in other named pull', false], ['list secrets in shop', false],
    ['update secrets in shop named pull', false], ['get configmaps in shop named env', true], ['get persistentvolumeclaims in shop named data', true],
    ['get persistentvolumes named pv', true], ['get persistentvolumes named other', false], ['create serviceaccounts/token in shop named web', true],
    ['create serviceaccounts/token in shop named default', false], ['get pods in shop named a', true], ['get pods in shop named other', false], ['list pods', false],
    ['update pods/status in shop named a', true], ['create pods in shop', true], ['get nodes named n1', true], ['get nodes named n2', false], ['list nodes', false],
    ['patch nodes/status named n1', true], ['update leases.coordination.k8s.io in kube-node-lease named n1', true], ['update leases.coordination.k8s.io in kube-node-lease named n2', false],
    ['create leases.coordination.k8s.io in kube-system', false], ['create certificatesigningrequests.certificates.k8s.io', true], ['list services', true], ['delete services in shop named x', false],
    ['create events in shop', true], ['create tokenreviews.authentication.k8s.io', true],
  ])('%s: %s', (what, allowed) => {
    expect(decide(node, what).verdict).toBe(allowed ? 'allow' : 'no-opinion')
  })

  it('lets a node list the pods bound to it', () => {
    expect(decide(node, 'watch pods', { fieldSelector: 'spec.nodeName=n1' }).verdict).toBe('allow')
    expect(decide(node, 'watch pods', { fieldSelector: 'spec.nodeName=n2' }).verdict).toBe('no-opinion')
    expect(decide(node, 'watch pods', { fieldSelector: 'spec.nodeName!=n1' }).verdict).toBe('no-opinion')
  })

  it('forgets a pod that is gone, and wants group and name', () => {
    expect(decide({ name: 'system:node:n1', groups: [] }, 'get nodes named n1').verdict).toBe('no-opinion')
    reader.remove(pods, 'a', 'shop')
    expect(decide(node, 'get secrets in shop named pull')).toEqual({ verdict: 'no-opinion', reason: "no relationship found between node 'n1' and this object" })
  })
})
