import type { ValidatingWebhookConfiguration } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, integer, nameColumn } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateWebhooks } from './validation.ts'
import { defaultWebhook } from './webhooks.ts'

export const validatingwebhookconfigurations = defineResource<ValidatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io', kind: 'ValidatingWebhookConfiguration', plural: 'validatingwebhookconfigurations', singular: 'validatingwebhookconfiguration',
  categories: ['api-extensions'], namespaced: false,
  ...v1('admissionregistration', 'ValidatingWebhookConfiguration'),
  generation: 'all',
  allowUnconditionalUpdate: false,
  defaults: (draft) => draft.webhooks?.forEach(defaultWebhook),
  validate: validateWebhooks,
  storedOnly: () => 'ValidatingWebhookConfiguration is only stored yet: webhooks are not called',
  columns: [nameColumn, integer('Webhooks', (object) => (object.webhooks ?? []).length), ageColumn],
})
