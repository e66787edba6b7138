// Every namespace has the cluster's certificate authority in the ConfigMap `kube-root-ca.crt`.
import type { ConfigMap, Namespace } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { nothingToDo, type Plan } from '../../controller/definition.ts'
import { isDeleting } from '../common/owner.ts'

export const configMapName = 'kube-root-ca.crt'
const description = 'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. ' +
  'No other usage is guaranteed across distributions of Kubernetes clusters.'

type RootCaStep = { do: 'create'; configMap: ConfigMap } | { do: 'update'; configMap: ConfigMap }

interface Observed {
  namespace: Stored<Namespace>
  present: Stored<ConfigMap> | undefined
  ca: string
}

export function planRootCa({ namespace, present, ca }: Observed): Plan<RootCaStep> {
  if (isDeleting(namespace) || namespace.status?.phase === 'Terminating') return nothingToDo
  const annotations = { 'kubernetes.io/description': description }
  const data = { 'ca.crt': ca }
  if (!present) return { steps: [{ do: 'create', configMap: { metadata: { name: configMapName, namespace: namespace.metadata.name, annotations }, data } }] }
  const described = present.metadata.annotations?.['kubernetes.io/description'] !== undefined
  if (described && Object.keys(present.data ?? {}).length === 1 && present.data?.['ca.crt'] === ca) return nothingToDo
  const metadata = { ...present.metadata, annotations: { ...annotations, ...present.metadata.annotations } }
  return { steps: [{ do: 'update', configMap: { ...present, metadata, data } }] }
}
