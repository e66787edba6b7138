// The answer to a request that no authorizer allows (source: k8s.io/apiserver/pkg/endpoints/handlers/responsewriters).
import { forbiddenError } from '../../api/status-error.ts'
import type { StatusError } from '../../api/status-error.ts'
import type { Attributes } from '../../api/user.ts'

export function forbiddenByAuthorizer(attributes: Attributes, reason: string): StatusError {
  // The text may end up in a browser: it must not read as markup. Reasons come from ourselves.
  const message = describe(attributes).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return forbiddenError({ group: attributes.group, resource: attributes.resource }, attributes.name, reason ? `${message}: ${reason}` : message)
}

function describe({ user, verb, isResourceRequest, path, group, resource, subresource, namespace }: Attributes): string {
  const who = `User ${JSON.stringify(user.name)} cannot ${verb}`
  if (!isResourceRequest) return `${who} path ${JSON.stringify(path)}`
  const what = `resource ${JSON.stringify(subresource ? `${resource}/${subresource}` : resource)} in API group ${JSON.stringify(group)}`
  return `${who} ${what} ${namespace ? `in the namespace ${JSON.stringify(namespace)}` : 'at the cluster scope'}`
}
