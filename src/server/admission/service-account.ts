// Every pod runs as a service account and, unless told otherwise, finds its token where client libraries look for it
// (source: plugin/pkg/admission/serviceaccount).
import type { Clock } from '../../base/clock.ts'
import type { Container, EphemeralContainer, Pod, ServiceAccount, Volume } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { serviceaccounts } from '../../api/refs.ts'
import { podReferences, mirrorAnnotation } from '../authorization/node-references.ts'
import type { ObjectReader } from '../object-reader.ts'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { draftOf, forbid, matches } from './requests.ts'

const defaultAccount = 'default'
const volumePrefix = 'kube-api-access-'
const tokenPath = '/var/run/secrets/kubernetes.io/serviceaccount'
/** Marks the token that may be extended to a year, see TokenRequest. */
const tokenSeconds = 3607
/** A new namespace gets its default account from a controller: so long a pod waits for it. */
const defaultAccountWait = 2000

interface ServiceAccountAdmissionOptions {
  reader: ObjectReader
  clock: Clock
  /** Five characters, as behind a generated name. */
  randomSuffix(): string
}

export function createServiceAccountAdmission(options: ServiceAccountAdmissionOptions): AdmissionPlugin {
  const accountOf = async (request: AdmissionRequest): Promise<Stored<ServiceAccount>> => {
    const { namespace } = request.attributes
    const name = draftOf<Pod>(request).spec?.serviceAccountName ?? ''
    const account = options.reader.get(serviceaccounts, name, namespace) ?? (name === defaultAccount ? await appearing(options, namespace) : undefined)
    if (!account) throw forbid(request, `error looking up service account ${namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`)
    return account
  }
  return {
    name: 'ServiceAccount',
    handles: (request) => matches(request, { resource: 'pods', operations: ['CREATE'] }) ||
      matches(request, { resource: 'pods', operations: ['UPDATE'], subresources: ['ephemeralcontainers'] }),
    async mutate(request) {
      const pod = draftOf<Pod>(request)
      if (request.operation !== 'CREATE' || isMirror(pod) || !pod.spec) return
      pod.spec.serviceAccountName ||= defaultAccount
      pod.spec.serviceAccount = pod.spec.serviceAccountName
      const account = await accountOf(request)
      if (pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(pod, options.randomSuffix)
      if (!pod.spec.imagePullSecrets?.length && account.imagePullSecrets?.length) pod.spec.imagePullSecrets = account.imagePullSecrets.map(({ name }) => ({ name }))
    },
    async validate(request) {
      const pod = draftOf<Pod>(request)
      if (request.operation === 'CREATE' && isMirror(pod)) return checkMirror(request, pod)
      if (!pod.spec?.serviceAccountName) {
        throw forbid(request, `no service account specified for pod ${request.attributes.namespace}/${pod.metadata?.name ?? ''}`)
      }
      const account = await accountOf(request)
      const enforced = /^(1|t|T|TRUE|true|True)$/.test(account.metadata.annotations?.['kubernetes.io/enforce-mountable-secrets'] ?? '')
      const reason = enforced && unmountableSecret(account, pod, request.operation)
      if (reason) throw forbid(request, reason)
    },
  }
}

const isMirror = (pod: Pod) => pod.metadata?.annotations?.[mirrorAnnotation] !== undefined

/** The namespace's default account, if it comes soon. */
function appearing({ reader, clock }: ServiceAccountAdmissionOptions, namespace: string): Promise<Stored<ServiceAccount> | undefined> {
  return new Promise((resolve) => {
    const finish = (account: Stored<ServiceAccount> | undefined) => {
      timer.cancel()
      unsubscribe()
      resolve(account)
    }
    const timer = clock.after(defaultAccountWait, () => finish(undefined))
    const unsubscribe = reader.onChange(serviceaccounts, (_before, now) => {
      if (now?.metadata.name === defaultAccount && now.metadata.namespace === namespace) finish(now)
    })
  })
}

function mountToken({ spec }: Pod, randomSuffix: () => string): void {
  const present = spec!.volumes?.find(({ name }) => name.startsWith(volumePrefix))
  const name = present?.name ?? volumePrefix + randomSuffix()
  let needed = false
  for (const container of [...(spec!.initContainers ?? []), ...spec!.containers]) {
    if (container.volumeMounts?.some(({ mountPath }) => mountPath === tokenPath)) continue
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: tokenPath }]
    needed = true
  }
  if (needed && !present) spec!.volumes = [...(spec!.volumes ?? []), tokenVolume(name)]
}

const tokenVolume = (name: string): Volume => ({
  name,
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
    ],
  },
})

function checkMirror(request: AdmissionRequest, pod: Pod): void {
  if (pod.spec?.serviceAccountName) throw forbid(request, 'a mirror pod may not reference service accounts')
  const asOrdinary = { ...pod, metadata: { ...pod.metadata, annotations: {} } }
  if ([...podReferences(asOrdinary)].some((reference) => reference.startsWith('secret/'))) throw forbid(request, 'a mirror pod may not reference secrets')
  if (pod.spec?.volumes?.some(({ projected }) => projected?.sources?.some((source) => source.serviceAccountToken))) {
    throw forbid(request, 'a mirror pod may not use ServiceAccountToken volume projections')
  }
}

function unmountableSecret(account: Stored<ServiceAccount>, { spec }: Pod, operation: AdmissionRequest['operation']): string | undefined {
  const mountable = new Set((account.secrets ?? []).map(({ name }) => name))
  const why = `is not allowed because service account ${account.metadata.name} does not reference that`
  const ofContainer = (called: string) => ({ name, env, envFrom }: Container | EphemeralContainer) => [
    ...(env ?? []).filter(({ valueFrom }) => valueFrom?.secretKeyRef && !mountable.has(valueFrom.secretKeyRef.name ?? ''))
      .map((one) => `${called} ${name} with envVar ${one.name} referencing secret.secretName="${one.valueFrom?.secretKeyRef?.name ?? ''}" ${why} secret`),
    ...(envFrom ?? []).filter(({ secretRef }) => secretRef && !mountable.has(secretRef.name ?? ''))
      .map(({ secretRef }) => `${called} ${name} with envFrom referencing secret.secretName="${secretRef?.name ?? ''}" ${why} secret`),
  ]
  if (operation === 'UPDATE') return spec?.ephemeralContainers?.flatMap(ofContainer('ephemeral container'))[0]
  const volume = spec?.volumes?.find(({ secret }) => secret && !mountable.has(secret.secretName ?? ''))
  if (volume) return `volume with secret.secretName="${volume.secret?.secretName ?? ''}" ${why} secret`
  const pullable = new Set((account.imagePullSecrets ?? []).map(({ name }) => name))
  const pulls = (spec?.imagePullSecrets ?? []).flatMap(({ name }, index) =>
    (pullable.has(name) ? [] : [`imagePullSecrets[${index}].name="${name ?? ''}" ${why} imagePullSecret`]))
  return [...(spec?.initContainers ?? []).flatMap(ofContainer('init container')), ...(spec?.containers ?? []).flatMap(ofContainer('container')), ...pulls][0]
}
