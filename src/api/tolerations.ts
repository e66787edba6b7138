// Which taints a pod tolerates (source: k8s.io/component-helpers/scheduling/corev1).
import type { Taint, Toleration } from './generated/types.ts'

/** A toleration without a key stands for all keys, and only `Exists` may go without one. */
export function tolerates({ key, operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false
  if (key && key !== taint.key) return false
  return operator === 'Exists' || (Boolean(key) && operator === 'Equal' && value === (taint.value ?? ''))
}

export const isTolerated = (taint: Taint, tolerations: readonly Toleration[]): boolean => tolerations.some((toleration) => tolerates(toleration, taint))

/** The first taint with one of `effects` that no toleration covers. */
export const untolerated = (tolerations: readonly Toleration[], taints: readonly Taint[], effects: readonly string[]): Taint | undefined =>
  taints.find((taint) => effects.includes(taint.effect) && !isTolerated(taint, tolerations))
