// The least that each kind must say of itself to be valid, for tests. Kinds that are not named need only a name.
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
const job = { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } }
const webhook = {
  name: 'hook.example.com', clientConfig: { url: 'https://example.com/hook' }, sideEffects: 'None', admissionReviewVersions: ['v1'],
  rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }], failurePolicy: 'Ignore',
}
const matchConstraints = { resourceRules: [{ operations: ['CREATE'], apiGroups: ['example.com'], apiVersions: ['v1'], resources: ['things'] }] }
const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' }
const subjects = [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'x' }]
const policyRule = { subjects: [{ kind: 'User', user: { name: 'x' } }], nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] }

interface MinimalObject {
  /** Where the name has a form of its own. */
  name?: string
  [field: string]: unknown
}

/** By `plural` or `plural.group`. */
export const minimalObjects: Readonly<Record<string, MinimalObject>> = {
  endpoints: { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] },
  events: { involvedObject: { kind: 'Pod', name: 'p', namespace: 't' }, reason: 'Tested' },
  limitranges: { spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } },
  persistentvolumeclaims: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
  persistentvolumes: { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/tmp/x' } } },
  pods: { spec: template.spec },
  podtemplates: { template },
  replicationcontrollers: { spec: { selector: { a: 'b' }, template } },
  services: { spec: { ports: [{ port: 80 }], selector: { a: 'b' } } },
  'controllerrevisions.apps': { revision: 1, data: { a: 'b' } },
  'daemonsets.apps': { spec: { selector: { matchLabels: { a: 'b' } }, template } },
  'deployments.apps': { spec: { selector: { matchLabels: { a: 'b' } }, template } },
  'replicasets.apps': { spec: { selector: { matchLabels: { a: 'b' } }, template } },
  'statefulsets.apps': { spec: { serviceName: 's', selector: { matchLabels: { a: 'b' } }, template } },
  'jobs.batch': { spec: job },
  'cronjobs.batch': { spec: { schedule: '* * * * *', jobTemplate: { spec: job } } },
  'horizontalpodautoscalers.autoscaling': { spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 3 } },
  'poddisruptionbudgets.policy': { spec: { minAvailable: 1, selector: { matchLabels: { a: 'b' } } } },
  'clusterrolebindings.rbac.authorization.k8s.io': { roleRef, subjects },
  'rolebindings.rbac.authorization.k8s.io': { roleRef, subjects },
  'clusterroles.rbac.authorization.k8s.io': { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
  'roles.rbac.authorization.k8s.io': { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
  'ingressclasses.networking.k8s.io': { spec: { controller: 'example.com/c' } },
  'ingresses.networking.k8s.io': { spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } } },
  'ipaddresses.networking.k8s.io': { name: '10.0.0.9', spec: { parentRef: { group: '', resource: 'services', namespace: 't', name: 's' } } },
  'networkpolicies.networking.k8s.io': { spec: { podSelector: {} } },
  'servicecidrs.networking.k8s.io': { spec: { cidrs: ['10.9.0.0/24'] } },
  'endpointslices.discovery.k8s.io': { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 80 }] },
  'leases.coordination.k8s.io': { spec: { holderIdentity: 'x', leaseDurationSeconds: 10 } },
  'events.events.k8s.io': {
    eventTime: '2026-01-01T00:00:00.000000Z', reportingController: 'example.com/c', reportingInstance: 'i', action: 'Test', reason: 'Tested', type: 'Normal',
    regarding: { kind: 'Pod', name: 'p', namespace: 't' },
  },
  'csidrivers.storage.k8s.io': { spec: {} },
  'csinodes.storage.k8s.io': { spec: { drivers: [] } },
  'csistoragecapacities.storage.k8s.io': { storageClassName: 's' },
  'storageclasses.storage.k8s.io': { provisioner: 'example.com/p' },
  'volumeattachments.storage.k8s.io': { spec: { attacher: 'a.example.com', nodeName: 'n', source: { persistentVolumeName: 'v' } } },
  'volumeattributesclasses.storage.k8s.io': { driverName: 'example.com', parameters: { a: 'b' } },
  'priorityclasses.scheduling.k8s.io': { value: 5 },
  'runtimeclasses.node.k8s.io': { handler: 'runc' },
  'validatingwebhookconfigurations.admissionregistration.k8s.io': { webhooks: [webhook] },
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': { webhooks: [webhook] },
  'validatingadmissionpolicies.admissionregistration.k8s.io': { spec: { matchConstraints, validations: [{ expression: 'true' }] } },
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': { spec: { policyName: 'p', validationActions: ['Deny'] } },
  'mutatingadmissionpolicies.admissionregistration.k8s.io': {
    spec: { matchConstraints, reinvocationPolicy: 'Never', failurePolicy: 'Ignore', mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[]' } }] },
  },
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io': { spec: { policyName: 'p' } },
  'deviceclasses.resource.k8s.io': { spec: {} },
  'resourceclaims.resource.k8s.io': { spec: {} },
  'resourceclaimtemplates.resource.k8s.io': { spec: { spec: {} } },
  'resourceslices.resource.k8s.io': { spec: { driver: 'd.example.com', nodeName: 'n', pool: { name: 'p', generation: 1, resourceSliceCount: 1 } } },
  'flowschemas.flowcontrol.apiserver.k8s.io': { spec: { priorityLevelConfiguration: { name: 'global-default' }, rules: [policyRule] } },
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': { spec: { type: 'Limited', limited: { nominalConcurrencyShares: 1, limitResponse: { type: 'Reject' } } } },
}
