// postStart and preStop: a command, a request, or a pause.
import type { ContainerRuntime } from '../../runtime/container-runtime.ts'
import type { LifecycleHandler } from '../../api/generated/types.ts'
import { sleep, type Clock } from '../../base/clock.ts'
import { httpTarget, requestHttp } from '../probes/http.ts'
import { orAborted } from '../values.ts'
import { podFullName, type AgentPod, type PodContainer } from '../pod/types.ts'

interface RunHandler {
  runtime: ContainerRuntime
  clock: Clock
  pod: AgentPod
  container: PodContainer
  containerId: string
  podIp: string
  signal: AbortSignal
}

/** Rejects when the hook failed; the message is for the status, never for an event: it may carry secrets. */
export async function runHandler(handler: LifecycleHandler, { runtime, clock, pod, container, containerId, podIp, signal }: RunHandler): Promise<void> {
  const of = `for Container ${JSON.stringify(container.spec.name)} in Pod ${JSON.stringify(podFullName(pod))} failed - error:`
  if (handler.exec) {
    const command = handler.exec.command ?? []
    const { exitCode, stdout, stderr } = await orAborted(runtime.execSync(containerId, command, 0), signal)
    if (exitCode === 0) return
    const output = Buffer.concat([stdout, stderr]).toString('utf8')
    throw new Error(`Exec lifecycle hook ([${command.join(' ')}]) ${of} command '${command.join(' ')}' exited with ${exitCode}: ${output}, message: ${JSON.stringify(output)}`)
  }
  if (handler.httpGet) {
    const target = httpTarget(handler.httpGet, container.spec, podIp, 'kube-lifecycle/1.36')
    await requestHttp({ ...target, signal }).catch((error: Error) => {
      throw new Error(`HTTP lifecycle hook (${handler.httpGet?.path}) ${of} ${error.message}`)
    })
  } else if (handler.sleep) {
    await sleep(clock, handler.sleep.seconds * 1000, signal)
  }
}

