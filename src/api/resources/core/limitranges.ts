import type { LimitRange } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { plainColumns } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateLimitRange } from './quota-validation.ts'

export const limitranges = defineResource<LimitRange>({
  group: '', kind: 'LimitRange', plural: 'limitranges', singular: 'limitrange', shortNames: ['limits'], namespaced: true,
  ...v1('core', 'LimitRange'),
  generation: 'none',
  allowCreateOnUpdate: true,
  defaults({ spec }) {
    for (const item of spec?.limits ?? []) {
      if (item.type !== 'Container') continue
      item.default = { ...item.max, ...item.default }
      item.defaultRequest = { ...item.min, ...item.default, ...item.defaultRequest }
    }
  },
  validate: validateLimitRange,
  columns: plainColumns,
})
