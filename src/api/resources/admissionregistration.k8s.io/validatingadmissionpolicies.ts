import type { ValidatingAdmissionPolicy } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, integer, nameColumn } from '../common/columns.ts'
import { statusHooks, statusOnly, v1 } from '../common/strategy.ts'
import { validateValidatingPolicy } from './validation.ts'
import { defaultMatchResources, paramKindColumn } from './policies.ts'

export const validatingadmissionpolicies = defineResource<ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io', kind: 'ValidatingAdmissionPolicy', plural: 'validatingadmissionpolicies', singular: 'validatingadmissionpolicy',
  categories: ['api-extensions'], namespaced: false,
  ...v1('admissionregistration', 'ValidatingAdmissionPolicy'),
  allowUnconditionalUpdate: false,
  defaults(draft) {
    if (!draft.spec) return
    draft.spec.failurePolicy ??= 'Fail'
    defaultMatchResources(draft.spec.matchConstraints)
  },
  ...statusHooks<ValidatingAdmissionPolicy>(() => ({})),
  subresources: { status: statusOnly() },
  validate: validateValidatingPolicy,
  storedOnly: () => 'ValidatingAdmissionPolicy is only stored yet: it is not evaluated',
  columns: [nameColumn, integer('Validations', ({ spec }) => (spec?.validations ?? []).length), paramKindColumn, ageColumn],
})
