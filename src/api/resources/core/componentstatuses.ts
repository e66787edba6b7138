import type { ComponentStatus } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { nameColumn, text } from '../common/columns.ts'

const health = (object: ComponentStatus) => object.conditions?.find((c) => c.type === 'Healthy')

export const componentstatuses = defineResource<ComponentStatus>({
  group: '', kind: 'ComponentStatus', plural: 'componentstatuses', singular: 'componentstatus', shortNames: ['cs'], namespaced: false,
  versions: [{ name: 'v1', schema: 'io.k8s.api.core.v1.ComponentStatus', deprecated: 'v1 ComponentStatus is deprecated in v1.19+' }],
  storageVersion: 'v1',
  verbs: ['get', 'list'],
  generation: 'none',
  columns: [
    nameColumn,
    text('Status', (object) => { const found = health(object); return found ? (found.status === 'True' ? 'Healthy' : 'Unhealthy') : 'Unknown' }),
    text('Message', (object) => health(object)?.message ?? ''),
    text('Error', (object) => health(object)?.error ?? ''),
  ],
})
