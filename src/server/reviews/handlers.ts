// Reviews and token requests as the server's virtual kinds and subresources: answered, never kept.
import type { Clock } from '../../base/clock.ts'
import type {
  AuthenticationV1TokenRequest as TokenRequest, LocalSubjectAccessReview, SelfSubjectAccessReview, SelfSubjectReview, SelfSubjectRulesReview,
  SubjectAccessReview, TokenReview,
} from '../../api/generated/types.ts'
import { apiVersionOf, type GroupVersionKind, type KubeObject } from '../../api/object.ts'
import type { SignToken } from '../../pki/jwt.ts'
import { answerObject } from '../answer.ts'
import type { Authentication } from '../authentication/authentication.ts'
import type { Authorization } from '../authorization/authorization.ts'
import type { ObjectReader } from '../object-reader.ts'
import type { SubresourceCall, SubresourceHandler, SubresourceHandlers } from '../subresources/handler.ts'
import { reviewLocal, reviewRules, reviewSelf, reviewSubject } from './access-review.ts'
import { completeTokenRequest, issueToken } from './token-request.ts'
import { reviewSelfSubject, reviewToken } from './token-review.ts'

interface ReviewOptions {
  authentication: Authentication
  authorization: Authorization
  reader: ObjectReader
  clock: Clock
  /** Of service account tokens. */
  sign: SignToken
  issuer: string
  apiAudiences: readonly string[]
}

export function reviewHandlers(options: ReviewOptions): SubresourceHandlers {
  const { authorization } = options
  const ofAuthorization = { group: 'authorization.k8s.io', version: 'v1' }
  const ofAuthentication = { group: 'authentication.k8s.io', version: 'v1' }
  return new Map([
    review<SubjectAccessReview>({ ...ofAuthorization, kind: 'SubjectAccessReview' }, (body) => reviewSubject(authorization, body)),
    review<SelfSubjectAccessReview>({ ...ofAuthorization, kind: 'SelfSubjectAccessReview' }, (body, { user }) => reviewSelf(authorization, body, user)),
    review<LocalSubjectAccessReview>({ ...ofAuthorization, kind: 'LocalSubjectAccessReview' }, (body, { attributes }) => reviewLocal(authorization, body, attributes.namespace)),
    review<SelfSubjectRulesReview>({ ...ofAuthorization, kind: 'SelfSubjectRulesReview' }, (body, { user }) => reviewRules(authorization, body, user)),
    review<TokenReview>({ ...ofAuthentication, kind: 'TokenReview' }, (body) => reviewToken(options, body)),
    review<SelfSubjectReview>({ ...ofAuthentication, kind: 'SelfSubjectReview' }, (_body, { user }) => reviewSelfSubject(user, options.clock.now())),
    ['serviceaccounts/token', tokenHandler(options)],
  ])
}

const created = (call: SubresourceCall, object: object) => answerObject(object, { status: 201, acceptObjects: call.request.acceptObjects })

/** By the name under which the server finds it. */
function review<T extends KubeObject>(gvk: GroupVersionKind, answer: (body: T, call: SubresourceCall) => T): [string, SubresourceHandler] {
  const type = { apiVersion: apiVersionOf(gvk), kind: gvk.kind }
  return [`${gvk.group}/${gvk.kind.toLowerCase()}s`, {
    methods: ['POST'],
    async handle(call) {
      const body = call.body<T>(type)
      await call.admit('CREATE', body)
      return created(call, { ...answer(body, call), ...type })
    },
  }]
}

const tokenHandler = (options: ReviewOptions): SubresourceHandler => ({
  methods: ['POST'],
  kind: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
  async handle(call) {
    const target = { namespace: call.attributes.namespace, name: call.attributes.name }
    const body = call.body<TokenRequest>({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest' })
    // Admission sees what was asked for, without defaults: a node may ask for the default audience without naming it.
    await call.admit('CREATE', body)
    const request = completeTokenRequest(options, body, target)
    return created(call, issueToken(options, request, target))
  },
})
