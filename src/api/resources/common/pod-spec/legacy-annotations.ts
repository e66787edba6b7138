// Annotations that stood for fields of today (source: pkg/api/pod/util.go).
import type { AppArmorProfile } from '../../../generated/types.ts'

export const seccompPodAnnotation = 'seccomp.security.alpha.kubernetes.io/pod'
export const seccompContainerPrefix = 'container.seccomp.security.alpha.kubernetes.io/'
export const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/'
export const localhostPrefix = 'localhost/'

/** Undefined: the annotation says nothing that a field could say. */
export function appArmorOfAnnotation(text: string): AppArmorProfile | undefined {
  if (text === 'unconfined') return { type: 'Unconfined' }
  if (text === 'runtime/default') return { type: 'RuntimeDefault' }
  const localhostProfile = text.startsWith(localhostPrefix) ? text.slice(localhostPrefix.length) : ''
  return localhostProfile ? { type: 'Localhost', localhostProfile } : undefined
}
