// When an exited container runs again (source: KEP-5307 for rules of single containers).
import type { Container, PodSpec } from '../../api/generated/types.ts'
import { isSidecar } from './types.ts'

/** The action of the first rule that names the exit code. */
function matchingRule(container: Container, exitCode: number): string | undefined {
  const rule = container.restartPolicyRules?.find(({ exitCodes }) => {
    if (!exitCodes) return false
    const named = exitCodes.values?.includes(exitCode) ?? false
    return exitCodes.operator === 'In' ? named : exitCodes.operator === 'NotIn' && !named
  })
  return rule?.action
}

export function restartsAfter(container: Container, spec: PodSpec, exitCode: number): boolean {
  if (container.restartPolicyRules?.length && matchingRule(container, exitCode) !== undefined) return true
  const policy = container.restartPolicy ?? spec.restartPolicy ?? 'Always'
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0)
}

/** Whether a container that was killed (by a probe, say) runs again, whatever its exit code. */
export function restartsAfterKill(container: Container, spec: PodSpec): boolean {
  return isSidecar(container) || (container.restartPolicy ?? spec.restartPolicy ?? 'Always') !== 'Never'
}
