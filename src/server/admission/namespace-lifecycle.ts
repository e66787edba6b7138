// Nothing is made in a namespace that is missing or going away; three namespaces stay for ever.
import { namespaces } from '../../api/refs.ts'
import { forbiddenError, notFoundError } from '../../api/status-error.ts'
import type { ObjectReader } from '../object-reader.ts'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { forbid, resourceOf } from './requests.ts'

const immortal = ['default', 'kube-system', 'kube-public']

export const createNamespaceLifecycle = (reader: ObjectReader): AdmissionPlugin => ({
  name: 'NamespaceLifecycle',
  handles: ({ operation }) => operation !== 'CONNECT',
  mutate(request) {
    const { operation, attributes } = request
    if (resourceOf(request) === 'namespaces') {
      if (operation === 'DELETE' && immortal.includes(attributes.name)) {
        throw forbiddenError({ group: '', resource: 'namespaces' }, attributes.name, 'this namespace may not be deleted')
      }
      return
    }
    // An access review must not tell whether a namespace exists.
    if (!attributes.namespace || operation === 'DELETE' || resourceOf(request) === 'localsubjectaccessreviews.authorization.k8s.io') return
    const namespace = reader.get(namespaces, attributes.namespace)
    if (!namespace) throw notFoundError({ group: '', resource: 'namespaces' }, attributes.namespace)
    if (operation === 'CREATE' && namespace.status?.phase === 'Terminating') throw terminating(request)
  },
})

function terminating(request: AdmissionRequest) {
  const { namespace } = request.attributes
  const error = forbid(request, `unable to create new content in namespace ${namespace} because it is being terminated`)
  const cause = { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }
  error.status.details = { ...error.status.details, causes: [cause] }
  return error
}
