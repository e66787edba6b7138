// Source: pkg/apis/admissionregistration/validation. Expressions are checked where they are evaluated.
import { duplicate, forbidden, invalid, notSupported, required } from '../../field-error.ts'
import type {
  AdmissionregistrationV1ServiceReference, AdmissionregistrationV1WebhookClientConfig, MatchResources, MutatingAdmissionPolicy, MutatingWebhookConfiguration, ParamRef, RuleWithOperations,
  ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, MutatingAdmissionPolicyBinding, ValidatingWebhook, ValidatingWebhookConfiguration,
} from '../../generated/types.ts'
import { isDns1035Label, isDnsSubdomain, isPortNumber, isQualifiedName } from '../../names.ts'
import { checked, type Findings, listed, messages, oneOf, oneOfIfSet, requiredAnd } from '../common/validation/findings.ts'
import { labelSelector } from '../common/validation/labels.ts'

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE']

function* notBeside(field: string, list: readonly string[] | undefined, others: string): Findings {
  if (!list?.length) yield required(field)
  else if (list.length > 1 && list.includes('*')) yield invalid(field, list, `if '*' is present, must not specify other ${others}`)
}

function* resources(field: string, list: readonly string[] = []): Findings {
  if (list.length === 0) yield required(field)
  for (const [index, text] of list.entries()) {
    if (!text) yield required(`${field}[${index}]`)
    const [resource, sub] = text.split('/')
    const before = list.slice(0, index)
    if (sub !== undefined && before.includes(`${resource}/*`)) {
      yield invalid(`${field}[${index}]`, text, `if '${resource}/*' is present, must not specify ${text}`)
    }
    if (sub !== undefined && before.includes(`*/${sub}`)) yield invalid(`${field}[${index}]`, text, `if '*/${sub}' is present, must not specify ${text}`)
  }
  if (list.length > 1 && list.includes('*/*')) yield invalid(field, list, "if '*/*' is present, must not specify other resources")
  if (list.includes('*') && list.some((text) => text !== '*' && !text.includes('/'))) {
    yield invalid(field, list, "if '*' is present, must not specify other resources without subresources")
  }
}

function* rule(field: string, own: RuleWithOperations): Findings {
  yield* notBeside(`${field}.operations`, own.operations, 'operations')
  for (const [index, operation] of (own.operations ?? []).entries()) {
    if (!operations.includes(operation)) yield notSupported(`${field}.operations[${index}]`, operation, operations)
  }
  yield* notBeside(`${field}.apiGroups`, own.apiGroups, 'API groups')
  yield* notBeside(`${field}.apiVersions`, own.apiVersions, 'API versions')
  for (const [index, version] of (own.apiVersions ?? []).entries()) if (!version) yield required(`${field}.apiVersions[${index}]`)
  yield* resources(`${field}.resources`, own.resources)
  yield* oneOfIfSet(`${field}.scope`, own.scope, ['*', 'Cluster', 'Namespaced'])
}

function* webhookUrl(field: string, text: string): Findings {
  const form = '; desired format: https://host[/path]'
  if (!URL.canParse(text)) return yield required(field, `url must be a valid URL: parse ${JSON.stringify(text)}: invalid${form}`)
  const url = new URL(text)
  if (url.protocol !== 'https:') yield invalid(field, url.protocol.slice(0, -1), `'https' is the only allowed URL scheme${form}`)
  if (!url.host) yield invalid(field, '', `host must be specified${form}`)
  if (url.username || url.password) yield invalid(field, url.username, 'user information is not permitted in the URL')
  if (url.hash) yield invalid(field, url.hash.slice(1), 'fragments are not permitted in the URL')
  if (url.search) yield invalid(field, url.search.slice(1), 'query parameters are not permitted in the URL')
}

function* webhookService(field: string, { name, namespace, path, port = 443 }: AdmissionregistrationV1ServiceReference): Findings {
  if (!name) yield required(`${field}.name`)
  if (!namespace) yield required(`${field}.namespace`)
  const wrong = isPortNumber(port)
  if (wrong.length > 0) yield invalid(`${field}.port`, port, `port is not valid: ${wrong.join(', ')}`)
  if (!path || path === '/') return
  if (!path.startsWith('/')) yield invalid(`${field}.path`, path, "must start with a '/'")
  for (const [index, step] of path.slice(1).replace(/\/$/, '').split('/').entries()) {
    if (!step) yield invalid(`${field}.path`, path, `segment[${index}] may not be empty`)
    else yield* messages(`${field}.path`, path, isDnsSubdomain(step).map((message) => `segment[${index}]: ${message}`))
  }
}

function* clientConfig(field: string, { url, service }: AdmissionregistrationV1WebhookClientConfig): Findings {
  if ((url === undefined) === (service === undefined)) yield required(field, 'exactly one of url or service is required')
  else if (url !== undefined) yield* webhookUrl(`${field}.url`, url)
  else yield* webhookService(`${field}.service`, service!)
}

function* reviewVersions(field: string, versions: readonly string[] = []): Findings {
  if (versions.length === 0) return yield required(field, 'must specify one of v1, v1beta1')
  for (const [index, version] of versions.entries()) {
    if (versions.indexOf(version) < index) yield invalid(`${field}[${index}]`, version, 'duplicate version')
    else yield* checked(`${field}[${index}]`, version, isDns1035Label)
  }
  if (!versions.includes('v1') && !versions.includes('v1beta1')) yield invalid(field, versions, 'must include at least one of v1, v1beta1')
}

function* qualifiedWebhookName(field: string, name: string | undefined): Findings {
  if (!name) return yield required(field)
  const wrong = isDnsSubdomain(name)
  yield* messages(field, name, wrong)
  if (wrong.length === 0 && name.split('.').length < 3) yield invalid(field, name, 'should be a domain with at least three segments separated by dots')
}

function* conditions(field: string, all: readonly { name: string; expression: string }[] = []): Findings {
  for (const [index, { name, expression }] of all.entries()) {
    const at = `${field}[${index}]`
    if (!expression?.trim()) yield required(`${at}.expression`)
    yield* requiredAnd(`${at}.name`, name, isQualifiedName)
    if (name && all.findIndex((c) => c.name === name) < index) yield duplicate(`${at}.name`, name)
  }
}

function* webhook(field: string, own: ValidatingWebhook): Findings {
  yield* qualifiedWebhookName(`${field}.name`, own.name)
  for (const [index, r] of (own.rules ?? []).entries()) yield* rule(`${field}.rules[${index}]`, r)
  yield* oneOfIfSet(`${field}.failurePolicy`, own.failurePolicy, ['Fail', 'Ignore'])
  yield* oneOfIfSet(`${field}.matchPolicy`, own.matchPolicy, ['Equivalent', 'Exact'])
  if (own.sideEffects === undefined) yield required(`${field}.sideEffects`, 'must specify one of None, NoneOnDryRun')
  yield* oneOfIfSet(`${field}.sideEffects`, own.sideEffects, ['None', 'NoneOnDryRun'])
  const seconds = own.timeoutSeconds
  if (seconds !== undefined && (seconds > 30 || seconds < 1)) {
    yield invalid(`${field}.timeoutSeconds`, seconds, 'the timeout value must be between 1 and 30 seconds')
  }
  yield* labelSelector(`${field}.namespaceSelector`, own.namespaceSelector)
  yield* labelSelector(`${field}.objectSelector`, own.objectSelector)
  yield* clientConfig(`${field}.clientConfig`, own.clientConfig ?? {})
  yield* conditions(`${field}.matchConditions`, own.matchConditions)
  yield* reviewVersions(`${field}.admissionReviewVersions`, own.admissionReviewVersions)
}

export const validateWebhooks = listed(function* ({ webhooks = [] }: ValidatingWebhookConfiguration | MutatingWebhookConfiguration): Findings {
  for (const [index, own] of webhooks.entries()) {
    yield* webhook(`webhooks[${index}]`, own)
    if ('reinvocationPolicy' in own) {
      yield* oneOfIfSet(`webhooks[${index}].reinvocationPolicy`, own.reinvocationPolicy as string | undefined, ['IfNeeded', 'Never'])
    }
    if (own.name && webhooks.findIndex((w) => w.name === own.name) < index) yield duplicate(`webhooks[${index}].name`, own.name)
  }
})

function* matchResources(field: string, own: MatchResources | undefined): Findings {
  yield* oneOfIfSet(`${field}.matchPolicy`, own?.matchPolicy, ['Equivalent', 'Exact'])
  yield* labelSelector(`${field}.namespaceSelector`, own?.namespaceSelector)
  yield* labelSelector(`${field}.objectSelector`, own?.objectSelector)
  for (const name of ['resourceRules', 'excludeResourceRules'] as const) {
    for (const [index, r] of (own?.[name] ?? []).entries()) yield* rule(`${field}.${name}[${index}]`, r)
  }
}

function* constraints(spec: { matchConstraints?: MatchResources } | undefined): Findings {
  if (!spec?.matchConstraints) return yield required('spec.matchConstraints')
  if (!spec.matchConstraints.resourceRules?.length) yield required('spec.matchConstraints.resourceRules')
  yield* matchResources('spec.matchConstraints', spec.matchConstraints)
}

export const validateValidatingPolicy = listed(function* ({ spec }: ValidatingAdmissionPolicy): Findings {
  yield* oneOf('spec.failurePolicy', spec?.failurePolicy, ['Fail', 'Ignore'])
  yield* constraints(spec)
  yield* conditions('spec.matchConditions', spec?.matchConditions)
  if (!spec?.validations?.length && !spec?.auditAnnotations?.length) {
    for (const name of ['validations', 'auditAnnotations']) yield required(`spec.${name}`, 'validations or auditAnnotations must contain at least one item')
  }
  for (const [index, { expression, reason }] of (spec?.validations ?? []).entries()) {
    if (!expression?.trim()) yield required(`spec.validations[${index}].expression`, 'expression is not specified')
    yield* oneOfIfSet(`spec.validations[${index}].reason`, reason, ['Forbidden', 'Invalid', 'RequestEntityTooLarge'])
  }
})

export const validateMutatingPolicy = listed(function* ({ spec }: MutatingAdmissionPolicy): Findings {
  yield* oneOf('spec.failurePolicy', spec?.failurePolicy, ['Fail', 'Ignore'])
  yield* constraints(spec)
  yield* conditions('spec.matchConditions', spec?.matchConditions)
  for (const operation of (spec?.matchConstraints?.resourceRules ?? []).flatMap(({ operations }) => operations ?? [])) {
    yield* oneOfIfSet('spec.matchConstraints.resourceRules.operations', operation, ['*', 'CONNECT', 'CREATE', 'UPDATE'])
  }
  if (!spec?.mutations?.length) yield required('spec.mutations', 'mutations must contain at least one item')
  for (const [index, { patchType }] of (spec?.mutations ?? []).entries()) yield* oneOf(`spec.mutations[${index}].patchType`, patchType, ['ApplyConfiguration', 'JSONPatch'])
  yield* oneOf('spec.reinvocationPolicy', spec?.reinvocationPolicy, ['IfNeeded', 'Never'])
})

function* paramRef(field: string, own: ParamRef | undefined): Findings {
  if (!own) return
  if (!own.name && !own.selector) yield required(field, 'one of name or selector must be specified')
  for (const name of ['name', 'selector']) if (own.name && own.selector) yield forbidden(`${field}.${name}`, 'name and selector are mutually exclusive')
  yield* labelSelector(`${field}.selector`, own.selector)
  if (own.parameterNotFoundAction === undefined) yield required(`${field}.parameterNotFoundAction`)
  yield* oneOfIfSet(`${field}.parameterNotFoundAction`, own.parameterNotFoundAction, ['Deny', 'Allow'])
}

const actions = ['Audit', 'Deny', 'Warn']

export const validateValidatingBinding = listed(function* ({ spec }: ValidatingAdmissionPolicyBinding): Findings {
  yield* requiredAnd('spec.policyName', spec?.policyName, isDnsSubdomain)
  yield* paramRef('spec.paramRef', spec?.paramRef)
  yield* matchResources('spec.matchResources', spec?.matchResources)
  const own = spec?.validationActions ?? []
  if (own.length === 0) yield required('spec.validationActions', 'at least one validation action is required')
  for (const [index, action] of own.entries()) {
    if (!actions.includes(action)) yield notSupported(`spec.validationActions[${index}]`, action, actions)
    if (own.indexOf(action) < index) yield duplicate(`spec.validationActions[${index}]`, action)
  }
  if (own.includes('Deny') && own.includes('Warn')) {
    yield invalid('spec.validationActions', own, 'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)')
  }
})

export const validateMutatingBinding = listed(function* ({ spec }: MutatingAdmissionPolicyBinding): Findings {
  yield* requiredAnd('spec.policyName', spec?.policyName, isDnsSubdomain)
  yield* paramRef('spec.paramRef', spec?.paramRef)
  yield* matchResources('spec.matchResources', spec?.matchResources)
})
