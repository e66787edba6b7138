// What a PolicyRule permits, and whether one set of rules covers another (source: k8s.io/component-helpers/auth/rbac/validation).
import type { PolicyRule } from '../../api/generated/types.ts'
import type { Attributes } from '../../api/user.ts'

const none: readonly string[] = []
const includes = (list: readonly string[] | undefined, value: string) => list?.includes(value) === true
const allOr = (list: readonly string[] | undefined, value: string) => includes(list, '*') || includes(list, value)

export function ruleAllows(attributes: Attributes, rule: PolicyRule): boolean {
  if (!allOr(rule.verbs, attributes.verb)) return false
  if (!attributes.isResourceRequest) return (rule.nonResourceURLs ?? none).some((url) => url === '*' || coversPath(url, attributes.path))
  return allOr(rule.apiGroups, attributes.group) && allowsResource(rule.resources ?? none, attributes) && allowsName(rule.resourceNames ?? none, attributes.name)
}

const allowsResource = (resources: readonly string[], { resource, subresource }: Attributes) =>
  allOr(resources, subresource ? `${resource}/${subresource}` : resource) || (subresource !== '' && resources.includes(`*/${subresource}`))

const allowsName = (names: readonly string[], name: string) => names.length === 0 || names.includes(name)

const coversPath = (owner: string, path: string) => owner === path || (owner.endsWith('*') && path.startsWith(owner.replace(/\*+$/, '')))

/** The parts of `wanted`, one verb, resource and name each, that no rule of `held` permits. */
export function missingRules(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(atoms).filter((atom) => !held.some((rule) => covers(rule, atom)))
}

function atoms(rule: PolicyRule): PolicyRule[] {
  const names = rule.resourceNames?.length ? rule.resourceNames.map((name) => [name]) : [undefined]
  const resourceAtoms = (rule.apiGroups ?? []).flatMap((group) => (rule.resources ?? []).flatMap((resource) => rule.verbs.flatMap((verb) =>
    names.map((resourceNames) => ({ apiGroups: [group], resources: [resource], verbs: [verb], ...(resourceNames ? { resourceNames } : {}) })))))
  const pathAtoms = (rule.nonResourceURLs ?? []).flatMap((url) => rule.verbs.map((verb) => ({ nonResourceURLs: [url], verbs: [verb] })))
  return [...resourceAtoms, ...pathAtoms]
}

function covers(rule: PolicyRule, atom: PolicyRule): boolean {
  const every = (list: readonly string[] | undefined, held: (value: string) => boolean) => (list ?? none).every(held)
  return (
    every(atom.verbs, (verb) => allOr(rule.verbs, verb)) &&
    every(atom.apiGroups, (group) => allOr(rule.apiGroups, group)) &&
    every(atom.resources, (resource) => allOr(rule.resources, resource) || includes(rule.resources, anyWithSubresource(resource))) &&
    every(atom.nonResourceURLs, (path) => (rule.nonResourceURLs ?? none).some((owner) => coversPath(owner, path))) &&
    (!rule.resourceNames?.length || (atom.resourceNames !== undefined && every(atom.resourceNames, (name) => includes(rule.resourceNames, name))))
  )
}

/** `pods/log` is also permitted as the log of anything. */
const anyWithSubresource = (resource: string): string => `*${resource.includes('/') ? resource.slice(resource.indexOf('/')) : ''}`

/** Joins the verbs of atoms that differ in nothing else; rules on paths stay as they are. */
export function compactRules(rules: readonly PolicyRule[]): PolicyRule[] {
  const byResource = new Map<string, PolicyRule>()
  const others: PolicyRule[] = []
  for (const rule of rules) {
    if (rule.nonResourceURLs?.length) {
      others.push(rule)
      continue
    }
    const key = JSON.stringify([rule.apiGroups, rule.resources, rule.resourceNames])
    const known = byResource.get(key)
    if (known) known.verbs.push(...rule.verbs)
    else byResource.set(key, { ...rule, verbs: [...rule.verbs] })
  }
  return [...others, ...byResource.values()]
}

const quoted = (list: readonly string[]) => `[${list.map((one) => JSON.stringify(one)).join(' ')}]`

/** As in `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`. */
export function describeRule(rule: PolicyRule): string {
  const parts: [string, readonly string[] | undefined][] = [
    ['APIGroups', rule.apiGroups], ['Resources', rule.resources], ['NonResourceURLs', rule.nonResourceURLs], ['ResourceNames', rule.resourceNames], ['Verbs', rule.verbs],
  ]
  return `{${parts.flatMap(([name, list]) => (list?.length ? [`${name}:${quoted(list)}`] : [])).join(', ')}}`
}
