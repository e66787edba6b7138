// Source: pkg/apis/flowcontrol/validation.
import { forbidden, invalid, notSupported, required } from '../../field-error.ts'
import type { FlowSchema, FlowcontrolV1Subject, PolicyRulesWithSubjects, PriorityLevelConfiguration, QueuingConfiguration } from '../../generated/types.ts'
import { isDnsLabel, isDnsSubdomain } from '../../names.ts'
import { checked, type Findings, listed, oneOf } from '../common/validation/findings.ts'
import { filled } from '../common/validation/references.ts'

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch']
const subjectFields = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const

function* subject(field: string, own: FlowcontrolV1Subject): Findings {
  const key = subjectFields[own.kind as keyof typeof subjectFields]
  if (!key) return yield notSupported(`${field}.kind`, own.kind ?? '', ['Group', 'ServiceAccount', 'User'])
  const named = own[key]
  if (!named) yield required(`${field}.${key}`, `${key} is required when subject kind is '${own.kind}'`)
  else if (!named.name) yield required(`${field}.${key}.name`)
  const account = key === 'serviceAccount' ? own.serviceAccount : undefined
  if (account?.name && account.name !== '*') yield* checked(`${field}.${key}.name`, account.name, isDnsSubdomain)
  if (account && !account.namespace) yield required(`${field}.${key}.namespace`, 'must specify namespace for service account')
  else if (account) yield* checked(`${field}.${key}.namespace`, account.namespace, isDnsLabel)
  for (const [kind, other] of Object.entries(subjectFields)) {
    if (other !== key && own[other]) yield forbidden(`${field}.${other}`, `${other} is forbidden when subject kind is not '${kind}'`)
  }
}

function* wildcardAlone(field: string, list: readonly string[] | undefined, { empty, others }: { empty: string; others: string }): Findings {
  yield* filled(field, list, empty)
  if (list?.includes('*') && list.length > 1) yield invalid(field, list, `if '*' is present, must not specify other ${others}`)
}

function* ruleVerbs(field: string, own: readonly string[] | undefined): Findings {
  yield* wildcardAlone(field, own, { empty: 'verbs must contain at least one value', others: 'verbs' })
  if (own?.length && !own.includes('*') && own.some((verb) => !verbs.includes(verb))) yield notSupported(field, own, verbs)
}

function urlProblem(path: string): string | undefined {
  if (!path) return 'must not be empty'
  if (!path.startsWith('/')) return 'must start with slash'
  if (path.includes(' ')) return 'must not contain white-space'
  if (path.includes('//')) return 'must not contain double slash'
  return path.includes('*') && !/^[^*]*\/\*$/.test(path) ? 'wildcard can only do suffix matching' : undefined
}

function* urls(field: string, own: readonly string[] | undefined): Findings {
  yield* wildcardAlone(field, own, { empty: 'nonResourceURLs must contain at least one value', others: 'non-resource URLs' })
  if (own?.includes('*')) return
  for (const [index, path] of (own ?? []).entries()) {
    const problem = urlProblem(path)
    if (problem) yield invalid(`${field}[${index}]`, path, problem)
  }
}

function* ruleNamespaces(field: string, own: readonly string[]): Findings {
  if (own.includes('*')) {
    if (own.length > 1) yield invalid(field, own, "if '*' is present, must not specify other namespaces")
    return
  }
  for (const [index, name] of own.entries()) {
    for (const text of isDnsLabel(name)) yield invalid(`${field}[${index}]`, name, `each member of this list must be '*' or a DNS-1123 label; ${text}`)
  }
}

function* rules(field: string, own: PolicyRulesWithSubjects): Findings {
  yield* filled(`${field}.subjects`, own.subjects, 'subjects must contain at least one value')
  for (const [index, s] of (own.subjects ?? []).entries()) yield* subject(`${field}.subjects[${index}]`, s)
  if (!own.resourceRules?.length && !own.nonResourceRules?.length) {
    yield required(field, 'at least one of resourceRules and nonResourceRules has to be non-empty')
  }
  for (const [index, rule] of (own.resourceRules ?? []).entries()) {
    const at = `${field}.resourceRules[${index}]`
    yield* ruleVerbs(`${at}.verbs`, rule.verbs)
    yield* wildcardAlone(`${at}.apiGroups`, rule.apiGroups, { empty: 'resource rules must supply at least one api group', others: 'api groups' })
    yield* wildcardAlone(`${at}.resources`, rule.resources, { empty: 'resource rules must supply at least one resource', others: 'resources' })
    if (!rule.namespaces?.length && !rule.clusterScope) {
      yield required(`${at}.namespaces`, 'resource rules that are not cluster scoped must supply at least one namespace')
    }
    yield* ruleNamespaces(`${at}.namespaces`, rule.namespaces ?? [])
  }
  for (const [index, rule] of (own.nonResourceRules ?? []).entries()) {
    const at = `${field}.nonResourceRules[${index}]`
    yield* ruleVerbs(`${at}.verbs`, rule.verbs)
    yield* urls(`${at}.nonResourceURLs`, rule.nonResourceURLs)
  }
}

export const validateFlowSchema = listed(function* ({ metadata, spec }: FlowSchema): Findings {
  const precedence = spec?.matchingPrecedence ?? 0
  const at = 'spec.matchingPrecedence'
  if (precedence <= 0) yield invalid(at, precedence, 'must be a positive value')
  if (precedence > 10000) yield invalid(at, precedence, 'must not be greater than 10000')
  if (precedence === 1 && metadata?.name !== 'exempt') yield invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")
  const method = spec?.distinguisherMethod
  if (method && !['ByNamespace', 'ByUser'].includes(method.type)) yield notSupported('spec.distinguisherMethod.type', method, ['ByNamespace', 'ByUser'])
  if (!spec?.priorityLevelConfiguration?.name) yield required('spec.priorityLevelConfiguration.name', 'must reference a priority level')
  else yield* checked('spec.priorityLevelConfiguration.name', spec.priorityLevelConfiguration.name, isDnsSubdomain)
  for (const [index, own] of (spec?.rules ?? []).entries()) yield* rules(`spec.rules[${index}]`, own)
})

function* queuing(field: string, { queueLengthLimit = 0, queues = 0, handSize = 0 }: QueuingConfiguration): Findings {
  if (queueLengthLimit <= 0) yield invalid(`${field}.queueLengthLimit`, queueLengthLimit, 'must be positive')
  if (queues <= 0) yield invalid(`${field}.queues`, queues, 'must be positive')
  else if (queues > 10_000_000) yield invalid(`${field}.queues`, queues, 'must not be greater than 10000000')
  if (handSize <= 0) yield invalid(`${field}.handSize`, handSize, 'must be positive')
  else if (handSize > queues) yield invalid(`${field}.handSize`, handSize, `should not be greater than queues (${queues})`)
}

function* shares(field: string, own: { nominalConcurrencyShares?: number; lendablePercent?: number }): Findings {
  if ((own.nominalConcurrencyShares ?? 0) < 0) {
    yield invalid(`${field}.nominalConcurrencyShares`, own.nominalConcurrencyShares, 'must be a non-negative integer')
  }
  const percent = own.lendablePercent ?? 0
  if (percent < 0 || percent > 100) yield invalid(`${field}.lendablePercent`, percent, 'must be between 0 and 100, inclusive')
}

export const validatePriorityLevel = listed(function* ({ metadata, spec }: PriorityLevelConfiguration): Findings {
  const type = spec?.type ?? ''
  if ((metadata?.name === 'exempt') !== (type === 'Exempt')) yield invalid('spec.type', type, "must be 'Exempt' if and only if `name` is 'exempt'")
  yield* oneOf('spec.type', type, ['Exempt', 'Limited'])
  const { exempt, limited } = spec ?? {}
  if (type === 'Exempt') {
    if (limited) yield forbidden('spec.limited', 'must be nil if the type is not Limited')
    if (exempt) yield* shares('spec.exempt', exempt)
  }
  if (type !== 'Limited') return
  if (exempt) yield forbidden('spec.exempt', 'must be nil if the type is Limited')
  if (!limited) return yield required('spec.limited', 'must not be empty when type is Limited')
  yield* shares('spec.limited', limited)
  if ((limited.borrowingLimitPercent ?? 0) < 0) {
    yield invalid('spec.limited.borrowingLimitPercent', limited.borrowingLimitPercent, 'if specified, must be a non-negative integer')
  }
  const response = limited.limitResponse
  const at = 'spec.limited.limitResponse'
  yield* oneOf(`${at}.type`, response?.type, ['Queue', 'Reject'])
  if (response?.type === 'Reject' && response.queuing) yield forbidden(`${at}.queuing`, 'must be nil if limited.limitResponse.type is not Limited')
  if (response?.type !== 'Queue') return
  if (!response.queuing) yield required(`${at}.queuing`, 'must not be empty if limited.limitResponse.type is Limited')
  else yield* queuing(`${at}.queuing`, response.queuing)
})
