// Asks the authorizers on someone's behalf: SubjectAccessReview and its relatives (source: pkg/registry/authorization).
import type {
  FieldSelectorAttributes, LabelSelectorAttributes, LocalSubjectAccessReview, NonResourceAttributes, ObjectMeta, ResourceAttributes, SelfSubjectAccessReview,
  SelfSubjectRulesReview, SubjectAccessReview, SubjectAccessReviewSpec, SubjectAccessReviewStatus,
} from '../../api/generated/types.ts'
import { invalid, required } from '../../api/field-error.ts'
import type { FieldError } from '../../api/field-error.ts'
import { badRequestError, invalidError } from '../../api/status-error.ts'
import type { Attributes, UserInfo } from '../../api/user.ts'
import type { Authorization } from '../authorization/authorization.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import { nodeNameOf } from '../authorization/node.ts'

const group = 'authorization.k8s.io'

interface Asked {
  resourceAttributes?: ResourceAttributes
  nonResourceAttributes?: NonResourceAttributes
}

export function reviewSubject(authorizer: Authorizer, review: SubjectAccessReview): SubjectAccessReview {
  refuse('SubjectAccessReview', [...subjectErrors(review.spec), ...metadataErrors(review.metadata, 'must be empty')])
  return { ...review, status: decide(authorizer, subjectOf(review.spec), review.spec) }
}

export function reviewSelf(authorizer: Authorizer, review: SelfSubjectAccessReview, user: UserInfo): SelfSubjectAccessReview {
  refuse('SelfSubjectAccessReview', [...askedErrors(review.spec), ...metadataErrors(review.metadata, 'must be empty')])
  return { ...review, status: decide(authorizer, user, review.spec) }
}

export function reviewLocal(authorizer: Authorizer, review: LocalSubjectAccessReview, namespace: string): LocalSubjectAccessReview {
  const { metadata, spec } = review
  const { namespace: own = '', ...others } = metadata ?? {}
  const elsewhere = spec.resourceAttributes && (spec.resourceAttributes.namespace ?? '') !== own
  refuse('LocalSubjectAccessReview', [
    ...subjectErrors(spec),
    ...metadataErrors(others, 'must be empty except for namespace'),
    ...(elsewhere ? [invalid('spec.resourceAttributes.namespace', spec.resourceAttributes?.namespace ?? '', 'must match metadata.namespace')] : []),
    ...(spec.nonResourceAttributes ? [invalid('spec.nonResourceAttributes', spec.nonResourceAttributes, 'disallowed on this kind of request')] : []),
  ])
  if (own !== namespace) throw badRequestError(`spec.resourceAttributes.namespace must match namespace: ${namespace}`)
  return { ...review, status: decide(authorizer, subjectOf(spec), spec) }
}

export function reviewRules(authorization: Authorization, review: SelfSubjectRulesReview, user: UserInfo): SelfSubjectRulesReview {
  const { namespace } = review.spec
  if (!namespace) throw badRequestError('no namespace on request')
  const { rules, errors } = authorization.rulesFor(user, namespace)
  const isNode = nodeNameOf(user) !== undefined
  const reasons = [...(isNode ? ['node authorizer does not support user rule resolution'] : []), ...errors]
  return {
    apiVersion: `${group}/v1`, kind: 'SelfSubjectRulesReview', metadata: {}, spec: {},
    status: {
      incomplete: isNode,
      resourceRules: rules.filter(({ resources }) => resources?.length)
        .map(({ verbs, apiGroups, resources, resourceNames }) => ({ verbs, apiGroups, resources, ...(resourceNames?.length ? { resourceNames } : {}) })),
      nonResourceRules: rules.filter(({ nonResourceURLs }) => nonResourceURLs?.length).map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
      ...(reasons.length ? { evaluationError: reasons.length === 1 ? reasons[0] : `[${reasons.join(', ')}]` } : {}),
    },
  }
}

function refuse(kind: string, errors: FieldError[]): void {
  if (errors.length) throw invalidError({ group, kind }, '', errors)
}

function metadataErrors({ managedFields: _managed, ...rest }: ObjectMeta = {}, why: string): FieldError[] {
  return Object.values(rest).some((value) => value !== undefined && value !== null) ? [invalid('metadata', rest, why)] : []
}

function subjectErrors(spec: SubjectAccessReviewSpec): FieldError[] {
  const nobody = !spec.user && !spec.groups?.length
  const errors = askedErrors(spec)
  return nobody ? [...errors, invalid('spec.user', spec.user ?? '', 'at least one of user or group must be specified')] : errors
}

function askedErrors({ resourceAttributes, nonResourceAttributes }: Asked): FieldError[] {
  if (resourceAttributes && nonResourceAttributes) {
    return [invalid('spec.nonResourceAttributes', nonResourceAttributes, 'cannot be specified in combination with resourceAttributes')]
  }
  if (!resourceAttributes && !nonResourceAttributes) {
    return [invalid('spec.resourceAttributes', undefined, 'exactly one of nonResourceAttributes or resourceAttributes must be specified')]
  }
  return [...selectorErrors('fieldSelector', resourceAttributes?.fieldSelector), ...selectorErrors('labelSelector', resourceAttributes?.labelSelector)]
}

function selectorErrors(name: string, selector: FieldSelectorAttributes | LabelSelectorAttributes | undefined): FieldError[] {
  const path = `spec.resourceAttributes.${name}`
  if (!selector) return []
  if (selector.rawSelector && selector.requirements?.length) {
    return [invalid(`${path}.rawSelector`, selector.rawSelector, 'may not specified at the same time as requirements')]
  }
  return selector.rawSelector || selector.requirements?.length ? [] : [required(`${path}.requirements`, `when ${path} is specified, requirements or rawSelector is required`)]
}

const subjectOf = ({ user = '', groups = [], uid, extra }: SubjectAccessReviewSpec): UserInfo =>
  ({ name: user, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) })

function decide(authorizer: Authorizer, user: UserInfo, asked: Asked): SubjectAccessReviewStatus {
  const { verdict, reason } = authorizer.authorize(attributesOf(user, asked))
  return { allowed: verdict === 'allow', ...(verdict === 'deny' ? { denied: true } : {}), ...(reason ? { reason } : {}) }
}

function attributesOf(user: UserInfo, { resourceAttributes: of, nonResourceAttributes }: Asked): Attributes {
  const nothing = { user, verb: '', path: '', group: '', version: '', resource: '', subresource: '', namespace: '', name: '' }
  if (!of) return { ...nothing, isResourceRequest: false, verb: nonResourceAttributes?.verb ?? '', path: nonResourceAttributes?.path ?? '' }
  const { verb = '', version = '*', resource = '', subresource = '', namespace = '', name = '' } = of
  const fieldSelector = of.fieldSelector?.rawSelector ?? fieldTerms(of.fieldSelector)
  return { ...nothing, isResourceRequest: true, verb, group: of.group ?? '', version, resource, subresource, namespace, name, ...(fieldSelector ? { fieldSelector } : {}) }
}

/** What cannot be said in a raw selector is left out, which asks for more than was meant: upstream does the same. */
const fieldTerms = (selector: FieldSelectorAttributes | undefined): string => (selector?.requirements ?? []).flatMap(({ key, operator, values }) => {
  const sign = { In: '=', NotIn: '!=' }[operator]
  return sign && values?.length === 1 ? [`${key}${sign}${values[0]}`] : []
}).join(',')
