// What tests of running pods share: a started box that has the busybox image, and short words for pods.
import { writeBusyboxImage } from '../../scripts/busybox-image.mjs'
import { eventually, type Host } from './box.ts'

export const image = 'mk8s.io/busybox:1'
export const shell = (script: string): string[] => ['sh', '-c', script]

export interface PodOptions {
  name: string
  command?: string[]
  labels?: Record<string, string>
  annotations?: Record<string, string>
  spec?: object
  container?: object
}

export const pod = ({ name, command = ['sleep', 'infinity'], labels, annotations, spec, container }: PodOptions) => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, labels, annotations },
  spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image, command, ...container }], ...spec },
})

/** A pod template whose only container runs `script`. */
export const template = (labels: Record<string, string>, script: string, container: object = {}, spec: object = {}) => ({
  metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image, command: shell(script), ...container }], ...spec },
})

export async function openWorkbench(host: Host): Promise<Workbench> {
  await host.open()
  await host.start()
  const archive = host.shared('busybox.tar')
  writeBusyboxImage(archive.outside, image)
  await host.inside(host.binary, ['images', 'import', '--data-dir', host.dataDir, archive.inside])
  return new Workbench(host)
}

export class Workbench {
  readonly box: Host

  constructor(box: Host) {
    this.box = box
  }

  /** One value of one object, as text. */
  get(what: string, name: string, path: string): Promise<string> {
    return this.box.k(['get', what, name, '-o', `jsonpath={${path}}`])
  }

  async running(name: string): Promise<void> {
    await this.box.k(['wait', 'pod', name, '--for=condition=Ready', '--timeout=60s'])
  }

  async start(...pods: PodOptions[]): Promise<void> {
    for (const options of pods) await this.box.apply(pod(options))
    for (const { name } of pods) await this.running(name)
  }

  async finished(name: string): Promise<string> {
    return eventually(`${name} is over`, async () => {
      const phase = await this.get('pod', name, '.status.phase')
      return ['Succeeded', 'Failed'].includes(phase) && phase
    })
  }

  /** What a pod that runs to its end prints. */
  async output(options: PodOptions): Promise<string> {
    await this.box.apply(pod({ ...options, spec: { restartPolicy: 'Never', ...options.spec } }))
    await this.finished(options.name)
    return this.box.k(['logs', options.name])
  }

  exec(target: string, script: string): Promise<string> {
    return this.box.k(['exec', target, '--', ...shell(script)])
  }

  /** Waits until an event of this object matches. */
  event(name: string, pattern: RegExp): Promise<string> {
    return eventually(`an event of ${name} matches ${pattern}`, async () => {
      const events = await this.box.k(['get', 'events', '--field-selector', `involvedObject.name=${name}`, '-o', 'jsonpath={range .items[*]}{.type} {.reason} {.message}{"\\n"}{end}'])
      return pattern.test(events) && events
    })
  }
}
