import type { MutatingWebhookConfiguration } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, integer, nameColumn } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateWebhooks } from './validation.ts'
import { defaultWebhook } from './webhooks.ts'

export const mutatingwebhookconfigurations = defineResource<MutatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io', kind: 'MutatingWebhookConfiguration', plural: 'mutatingwebhookconfigurations', singular: 'mutatingwebhookconfiguration',
  categories: ['api-extensions'], namespaced: false,
  ...v1('admissionregistration', 'MutatingWebhookConfiguration'),
  generation: 'all',
  allowUnconditionalUpdate: false,
  defaults(draft) {
    for (const webhook of draft.webhooks ?? []) {
      defaultWebhook(webhook)
      webhook.reinvocationPolicy ??= 'Never'
    }
  },
  validate: validateWebhooks,
  storedOnly: () => 'MutatingWebhookConfiguration is only stored yet: webhooks are not called',
  columns: [nameColumn, integer('Webhooks', (object) => (object.webhooks ?? []).length), ageColumn],
})
