// Makes images present: by policy, with credentials, with back-off for each (pod, image). Pulls run one after the other, as upstream does by default;
// pulls of the same image by several pods are one.
import type { Clock } from '../../base/clock.ts'
import type { Secret } from '../../api/generated/types.ts'
import type { ContainerRuntime, Image, RegistryAuth } from '../../runtime/container-runtime.ts'
import type { Recorder } from '../events/recorder.ts'
import { createBackoff, goDuration } from '../pod/backoff.ts'
import type { AgentPod, PodContainer } from '../pod/types.ts'
import { rpcWording } from '../values.ts'
import { createSlots } from '../../base/slots.ts'
import { StartError } from '../start-error.ts'
import { credentialsFor } from './credentials.ts'
import { withDefaultTag } from '../../runtime/image-reference.ts'

type ImageReason = 'ErrImagePull' | 'ImagePullBackOff' | 'ErrImageNeverPull' | 'InvalidImageName' | 'ImageInspectError' | 'RegistryUnavailable'

export class ImageError extends StartError<ImageReason> {
  override name = 'ImageError'
}

interface PresentImage {
  /** To create a container from. */
  reference: string
  image?: Image
}

interface EnsureImage {
  pod: AgentPod
  container: PodContainer
  /** The image, where it is not the container's own (an image volume). */
  image?: string
  policy?: string
  pullSecrets(): Promise<Secret[]>
}

export interface Images {
  ensure(request: EnsureImage): Promise<PresentImage>
  forgetPod(uid: string): void
}

interface ImagesOptions {
  runtime: ContainerRuntime
  clock: Clock
  recorder: Recorder
  /** Pulls at the same time. */
  parallelPulls: number
}

/** So long a failed pull shows as ErrImagePull before it shows as ImagePullBackOff. */
const shownMilliseconds = 3000
const resyncMilliseconds = 10_000

export function createImages({ runtime, clock, recorder, parallelPulls }: ImagesOptions): Images {
  const backoff = createBackoff()
  const failures = new Map<string, { at: number; message: string }>()
  const pulls = new Map<string, Promise<string>>()
  const slots = createSlots(parallelPulls)

  async function inspect(request: EnsureImage, reference: string): Promise<Image | undefined> {
    try {
      return await runtime.imageStatus(reference)
    } catch (error) {
      const message = `Failed to inspect image "": ${(error as Error).message}`
      recorder.container(request.pod, request.container, 'Warning', 'InspectFailed', message)
      throw new ImageError('ImageInspectError', message, clock.monotonic() + resyncMilliseconds)
    }
  }

  async function ensure(request: EnsureImage): Promise<PresentImage> {
    const { pod, container } = request
    const named = request.image ?? container.spec.image ?? ''
    const policy = request.policy ?? container.spec.imagePullPolicy ?? 'IfNotPresent'
    const event = (type: 'Normal' | 'Warning', reason: string, message: string) => recorder.container(pod, container, type, reason, message)
    let reference: string
    try {
      reference = withDefaultTag(named)
    } catch (error) {
      const message = `Failed to apply default image tag ${JSON.stringify(named)}: ${(error as Error).message}`
      event('Warning', 'InspectFailed', message)
      throw new ImageError('InvalidImageName', message, clock.monotonic() + resyncMilliseconds)
    }
    if (policy !== 'Always') {
      const image = await inspect(request, reference)
      if (image) {
        event('Normal', 'Pulled', `Container image ${JSON.stringify(named)} already present on machine and can be accessed by the pod`)
        return { reference: image.id, image }
      }
      if (policy === 'Never') {
        const message = `Container image ${JSON.stringify(named)} is not present with pull policy of Never`
        event('Warning', 'ErrImageNeverPull', message)
        throw new ImageError('ErrImageNeverPull', message, clock.monotonic() + resyncMilliseconds)
      }
    }
    const pulled = await pull(request, reference, named)
    return { reference: pulled, image: await inspect(request, pulled) }
  }

  async function pull(request: EnsureImage, reference: string, named: string): Promise<string> {
    const { pod, container } = request
    const event = (type: 'Normal' | 'Warning', reason: string, message: string) => recorder.container(pod, container, type, reason, message)
    const key = `${pod.metadata.uid}_${named}`
    const failed = failures.get(key)
    const until = failed ? failed.at + backoff.delay(key, failed.at) : 0
    if (failed && until > clock.monotonic()) {
      const message = `Back-off pulling image ${JSON.stringify(named)}`
      event('Normal', 'BackOff', message)
      throw new ImageError('ImagePullBackOff', `${message}: ${failed.message}`, until)
    }
    event('Normal', 'Pulling', `Pulling image ${JSON.stringify(named)}`)
    const asked = clock.monotonic()
    let began = asked
    try {
      const credentials = credentialsFor(reference, await request.pullSecrets())
      const shared = credentials.length === 0 ? pulls.get(reference) : undefined
      const work = shared ?? slots(() => ((began = clock.monotonic()), pullWith(reference, credentials)))
      if (!shared && credentials.length === 0) {
        pulls.set(reference, work)
        const done = () => pulls.delete(reference)
        work.then(done, done)
      }
      const id = await work
      failures.delete(key)
      const duration = (from: number) => goDuration(Math.floor(clock.monotonic() - from))
      const size = (await runtime.imageStatus(id).catch(() => undefined))?.sizeBytes ?? 0
      event('Normal', 'Pulled', `Successfully pulled image ${JSON.stringify(named)} in ${duration(began)} (${duration(asked)} including waiting). Image size: ${size} bytes.`)
      return id
    } catch (error) {
      const message = rpcWording(error as Error)
      event('Warning', 'Failed', `Failed to pull image ${JSON.stringify(named)}: ${message}`)
      const now = clock.monotonic()
      backoff.next(key, now, now)
      failures.set(key, { at: now, message: `ErrImagePull: ${message}` })
      throw new ImageError('ErrImagePull', message, now + shownMilliseconds)
    }
  }

  async function pullWith(reference: string, credentials: readonly RegistryAuth[]): Promise<string> {
    if (credentials.length === 0) return runtime.pullImage(reference)
    const errors: string[] = []
    for (const auth of credentials) {
      try {
        return await runtime.pullImage(reference, auth)
      } catch (error) {
        errors.push(rpcWording(error as Error))
      }
    }
    throw new Error(errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`)
  }

  return {
    ensure,
    forgetPod(uid) {
      backoff.forget(`${uid}_`)
      for (const key of failures.keys()) if (key.startsWith(`${uid}_`)) failures.delete(key)
    },
  }
}
