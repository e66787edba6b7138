// Containers of a pod by name, whatever kind they are.
import type { Container, ContainerStatus, Pod } from '../../api/generated/types.ts'

export const specOf = ({ spec }: Pod, name: string): Container | undefined =>
  [...(spec?.containers ?? []), ...(spec?.initContainers ?? []), ...((spec?.ephemeralContainers ?? []) as Container[])].find((container) => container.name === name)

export const containerStatusOf = ({ status }: Pod, name: string): ContainerStatus | undefined =>
  [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? []), ...(status?.ephemeralContainerStatuses ?? [])].find((container) => container.name === name)

/** Of `containerd://<id>`. */
export const containerIdOf = (reference: string): string => reference.replace(/^[^:]*:\/\//, '')
