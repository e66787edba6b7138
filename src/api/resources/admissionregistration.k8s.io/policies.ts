// Columns and defaults that validating and mutating policies and their bindings share.
import type { MatchResources, ParamKind, ParamRef } from '../../generated/types.ts'
import type { TableColumn } from '../../resource.ts'
import type { KubeObject } from '../../object.ts'
import { ageColumn, nameColumn, text } from '../common/columns.ts'
import { selectorText } from '../common/label-text.ts'

interface PolicyBinding extends KubeObject {
  spec?: { policyName?: string; paramRef?: ParamRef }
}

function paramRef({ spec }: PolicyBinding): string {
  const ref = spec?.paramRef
  if (ref?.name) return `${ref.namespace || '*'}/${ref.name}`
  return ref?.selector ? selectorText(ref.selector) : '<unset>'
}

export const bindingColumns: readonly TableColumn<PolicyBinding>[] = [
  nameColumn, text('PolicyName', (object) => object.spec?.policyName ?? ''), text('ParamRef', paramRef), ageColumn,
]

export const paramKindColumn: TableColumn<KubeObject & { spec?: { paramKind?: ParamKind } }> =
  text('ParamKind', ({ spec }) => (spec?.paramKind ? `${spec.paramKind.apiVersion}/${spec.paramKind.kind}` : '<unset>'))

export function defaultMatchResources(match: MatchResources | undefined): void {
  if (!match) return
  match.matchPolicy ??= 'Equivalent'
  match.namespaceSelector ??= {}
  match.objectSelector ??= {}
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) rule.scope ??= '*'
}
