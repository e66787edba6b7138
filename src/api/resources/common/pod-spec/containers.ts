// Every container of a pod in the order upstream visits them.
import type { Container, EphemeralContainer, PodSpec } from '../../../generated/types.ts'

export type AnyContainer = Container | EphemeralContainer

export const allContainers = (spec: PodSpec): AnyContainer[] => [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])]

/** Init containers and containers: those with resources that count. */
export const runningContainers = (spec: PodSpec): Container[] => [...(spec.initContainers ?? []), ...(spec.containers ?? [])]

export const isSidecar = (container: { restartPolicy?: string }): boolean => container.restartPolicy === 'Always'
