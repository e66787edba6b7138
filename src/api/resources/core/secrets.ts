import type { Secret } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateSecret, validateSecretUpdate } from './data-validation.ts'
import { secretWarnings } from './warnings.ts'

export const secrets = defineResource<Secret>({
  group: '', kind: 'Secret', plural: 'secrets', singular: 'secret', namespaced: true,
  ...v1('core', 'Secret'),
  generation: 'none',
  defaults(draft) {
    draft.type ||= 'Opaque'
    if (!draft.stringData) return
    const encoded = Object.entries(draft.stringData).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
    draft.data = { ...draft.data, ...Object.fromEntries(encoded) }
    delete draft.stringData
  },
  selectableFields: { type: (secret) => secret.type ?? '' },
  validate: validateSecret,
  warnings: secretWarnings,
  validateUpdate: validateSecretUpdate,
  columns: [nameColumn, text('Type', (secret) => secret.type ?? ''), text('Data', (secret) => Object.keys(secret.data ?? {}).length), ageColumn],
})
