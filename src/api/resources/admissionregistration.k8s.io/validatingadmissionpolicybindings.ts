import type { ValidatingAdmissionPolicyBinding } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { v1 } from '../common/strategy.ts'
import { validateValidatingBinding } from './validation.ts'
import { bindingColumns, defaultMatchResources } from './policies.ts'

export const validatingadmissionpolicybindings = defineResource<ValidatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io', kind: 'ValidatingAdmissionPolicyBinding', plural: 'validatingadmissionpolicybindings', singular: 'validatingadmissionpolicybinding',
  categories: ['api-extensions'], namespaced: false,
  ...v1('admissionregistration', 'ValidatingAdmissionPolicyBinding'),
  allowUnconditionalUpdate: false,
  defaults: (draft) => defaultMatchResources(draft.spec?.matchResources),
  validate: validateValidatingBinding,
  storedOnly: () => 'ValidatingAdmissionPolicyBinding is only stored yet: its policy is not evaluated',
  columns: bindingColumns,
})
