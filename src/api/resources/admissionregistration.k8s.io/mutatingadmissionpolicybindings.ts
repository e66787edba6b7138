import type { MutatingAdmissionPolicyBinding } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { v1 } from '../common/strategy.ts'
import { validateMutatingBinding } from './validation.ts'
import { bindingColumns, defaultMatchResources } from './policies.ts'

export const mutatingadmissionpolicybindings = defineResource<MutatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io', kind: 'MutatingAdmissionPolicyBinding', plural: 'mutatingadmissionpolicybindings', singular: 'mutatingadmissionpolicybinding',
  categories: ['api-extensions'], namespaced: false,
  ...v1('admissionregistration', 'MutatingAdmissionPolicyBinding'),
  allowUnconditionalUpdate: false,
  defaults: (draft) => defaultMatchResources(draft.spec?.matchResources),
  validate: validateMutatingBinding,
  storedOnly: () => 'MutatingAdmissionPolicyBinding is only stored yet: its policy is not evaluated',
  columns: bindingColumns,
})
