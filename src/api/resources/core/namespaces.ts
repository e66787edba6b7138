import type { Namespace } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text } from '../common/columns.ts'
import { keepSpec, v1 } from '../common/strategy.ts'
import { validateNamespace, validateNamespaceStatus } from './cluster-validation.ts'

const nameLabel = 'kubernetes.io/metadata.name'

export const namespaces = defineResource<Namespace>({
  group: '', kind: 'Namespace', plural: 'namespaces', singular: 'namespace', shortNames: ['ns'], namespaced: false,
  ...v1('core', 'Namespace'),
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  generation: 'none',
  nameFormat: 'dns-label',
  defaults(draft) {
    if (!draft.metadata?.name) return
    draft.metadata.labels = { ...draft.metadata.labels, [nameLabel]: draft.metadata.name }
  },
  prepareForCreate(draft) {
    const finalizers = draft.spec?.finalizers ?? []
    draft.spec = { ...draft.spec, finalizers: finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'] }
    draft.status = { phase: 'Active' }
  },
  prepareForUpdate(draft, current) {
    draft.spec = { ...draft.spec, finalizers: current.spec?.finalizers }
    draft.status = current.status
  },
  subresources: {
    status: { prepareForUpdate: keepSpec, validateUpdate: validateNamespaceStatus },
    finalize: {
      prepareForUpdate(draft, current) {
        draft.status = current.status
      },
      validateUpdate: validateNamespace,
    },
  },
  selectableFields: { 'status.phase': (namespace) => namespace.status?.phase ?? '', name: (namespace) => namespace.metadata?.name ?? '' },
  validate: validateNamespace,
  columns: [nameColumn, text('Status', (namespace) => namespace.status?.phase ?? ''), ageColumn],
})
