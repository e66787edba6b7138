import type { Lease } from '../../generated/types.ts'
import { defineResource } from '../../resource.ts'
import { ageColumn, nameColumn, text } from '../common/columns.ts'
import { v1 } from '../common/strategy.ts'
import { validateLease } from './validation.ts'

/** A change of holder must survive a crash (two leaders would follow); a renewal need not. */
const onlyRenewed = (draft: Lease, current: Lease | undefined) =>
  current !== undefined && JSON.stringify({ ...draft.spec, renewTime: '' }) === JSON.stringify({ ...current.spec, renewTime: '' })

/** Coordinated leader election is off by default. */
function dropCoordination({ spec }: Lease, current?: Lease): void {
  if (!current?.spec?.strategy) delete spec?.strategy
  if (!current?.spec?.preferredHolder) delete spec?.preferredHolder
}

export const leases = defineResource<Lease>({
  group: 'coordination.k8s.io', kind: 'Lease', plural: 'leases', singular: 'lease', namespaced: true,
  ...v1('coordination', 'Lease'),
  generation: 'none',
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  prepareForCreate: (draft) => dropCoordination(draft),
  prepareForUpdate: dropCoordination,
  lazy: onlyRenewed,
  validate: validateLease,
  columns: [nameColumn, text('Holder', (lease) => lease.spec?.holderIdentity ?? ''), ageColumn],
})
