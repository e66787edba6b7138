import type { MutatingAdmissionPolicy } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, integer, nameColumn } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateMutatingPolicy } from './validation.ts'
import { defaultMatchResources, paramKindColumn } from './policies.ts'

export const mutatingadmissionpolicies = defineResource<MutatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io', kind: 'MutatingAdmissionPolicy', plural: 'mutatingadmissionpolicies', singular: 'mutatingadmissionpolicy',
  categories: ['api-extensions'], namespaced: false,
  ...v1('admissionregistration', 'MutatingAdmissionPolicy'),
  allowUnconditionalUpdate: false,
  defaults(draft) {
    if (!draft.spec) return
    draft.spec.failurePolicy ??= 'Fail'
    defaultMatchResources(draft.spec.matchConstraints)
  },
  validate: validateMutatingPolicy,
  storedOnly: () => 'MutatingAdmissionPolicy is only stored yet: it is not evaluated',
  columns: [nameColumn, integer('Mutations', ({ spec }) => (spec?.mutations ?? []).length), paramKindColumn, ageColumn],
})
