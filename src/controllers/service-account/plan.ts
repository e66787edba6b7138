// Every namespace that is not going away has the service account `default`.
import type { Namespace } from '../../api/generated/types.ts'
import type { Stored } from '../../api/object.ts'
import { nothingToDo, type Plan } from '../../controller/definition.ts'
import { isDeleting } from '../common/owner.ts'

type ServiceAccountStep = { do: 'create'; namespace: string; name: string }

export const wantedAccounts = ['default']

interface Observed {
  namespace: Stored<Namespace>
  present: readonly string[]
}

export function planServiceAccounts({ namespace, present }: Observed): Plan<ServiceAccountStep> {
  if (isDeleting(namespace) || namespace.status?.phase === 'Terminating') return nothingToDo
  const missing = wantedAccounts.filter((name) => !present.includes(name))
  return { steps: missing.map((name) => ({ do: 'create', namespace: namespace.metadata.name, name })) }
}
