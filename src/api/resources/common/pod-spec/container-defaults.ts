import type { EnvVar, HTTPGetAction, LifecycleHandler, ObjectFieldSelector, Probe } from '../../../generated/types.ts'
import type { AnyContainer } from './containers.ts'
import { pullPolicyOf } from './image.ts'

export function defaultFieldRef(ref: ObjectFieldSelector | undefined): void {
  if (ref) ref.apiVersion ||= 'v1'
}

function defaultHttpGet(action: HTTPGetAction | undefined): void {
  if (!action) return
  action.path ||= '/'
  action.scheme ||= 'HTTP'
}

function defaultProbe(probe: Probe | undefined): void {
  if (!probe) return
  probe.timeoutSeconds ||= 1
  probe.periodSeconds ||= 10
  probe.successThreshold ||= 1
  probe.failureThreshold ||= 3
  defaultHttpGet(probe.httpGet)
  if (probe.grpc) probe.grpc.service ??= ''
}

const defaultHandler = (handler: LifecycleHandler | undefined) => defaultHttpGet(handler?.httpGet)

function defaultEnv(variable: EnvVar): void {
  defaultFieldRef(variable.valueFrom?.fieldRef)
  if (variable.valueFrom?.fileKeyRef) variable.valueFrom.fileKeyRef.optional ??= false
}

export function defaultContainer(container: AnyContainer): void {
  container.imagePullPolicy ||= pullPolicyOf(container.image)
  container.terminationMessagePath ||= '/dev/termination-log'
  container.terminationMessagePolicy ||= 'File'
  container.resources ??= {}
  for (const port of container.ports ?? []) port.protocol ||= 'TCP'
  for (const variable of container.env ?? []) defaultEnv(variable)
  defaultProbe(container.livenessProbe)
  defaultProbe(container.readinessProbe)
  defaultProbe(container.startupProbe)
  defaultHandler(container.lifecycle?.postStart)
  defaultHandler(container.lifecycle?.preStop)
}
