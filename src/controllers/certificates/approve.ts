// Approves what kubelets ask for, when RBAC lets the asker have it (source: pkg/controller/certificates/approver).
import { nothingToDo, type Plan } from '../../controller/definition.ts'
import { hasCondition, kubeletClientObjection, signers } from './request.ts'
import type { ParsedRequest } from './request.ts'

interface ApproveStep extends ParsedRequest {
  do: 'approve'
  /** To be tried in order: who may create this subresource of `certificatesigningrequests` is approved, with this message. */
  permissions: readonly { subresource: string; message: string }[]
}

const self = { subresource: 'selfnodeclient', message: 'Auto approving self kubelet client certificate after SubjectAccessReview.' }
const other = { subresource: 'nodeclient', message: 'Auto approving kubelet client certificate after SubjectAccessReview.' }

export function planApproval(parsed: ParsedRequest): Plan<ApproveStep> {
  const { object, request } = parsed
  const decided = object.status?.certificate || hasCondition(object, 'Approved') || hasCondition(object, 'Denied')
  if (decided || object.spec.signerName !== signers.kubeletClient || kubeletClientObjection(request, object.spec.usages ?? [])) return nothingToDo
  return { steps: [{ do: 'approve', ...parsed, permissions: object.spec.username === request.commonName ? [self, other] : [other] }] }
}
