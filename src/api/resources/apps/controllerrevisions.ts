import type { ControllerRevision } from '../../generated/types.ts'
import { parseApiVersion } from '../../object.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateControllerRevision, validateControllerRevisionUpdate } from './validation.ts'

function controller(object: ControllerRevision): string {
  const owner = object.metadata?.ownerReferences?.find((o) => o.controller)
  if (!owner) return '<none>'
  const { group } = parseApiVersion(owner.apiVersion)
  return `${(group ? `${owner.kind}.${group}` : owner.kind).toLowerCase()}/${owner.name}`
}

export const controllerrevisions = defineResource<ControllerRevision>({
  group: 'apps', kind: 'ControllerRevision', plural: 'controllerrevisions', singular: 'controllerrevision', namespaced: true,
  ...v1('apps', 'ControllerRevision'),
  generation: 'none',
  validate: validateControllerRevision,
  validateUpdate: validateControllerRevisionUpdate,
  columns: [nameColumn, text('Controller', controller), text('Revision', (object) => object.revision), ageColumn],
})
