// Writes objects from outside the machine and remembers what was acknowledged; the power fails on the machine, not here.
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'

interface Answer {
  status: number
  body: { metadata?: { name?: string; resourceVersion?: string }; data?: Record<string, string>; items?: { metadata: { name: string }; data?: Record<string, string> }[] }
}

export interface Verdict {
  acknowledged: number
  missing: string[]
  /** The list's revision, and the newest that was acknowledged before. */
  revision: number
  newest: number
  /** Of the first write after the cut. */
  next: number
}

export class Writer {
  readonly #port: number
  readonly #credentials: { ca: Buffer; cert: Buffer; key: Buffer }
  #agent: Agent
  #acknowledged = new Map<string, number>()
  #attempted = new Map<string, number>()
  #newest = 0
  #count = 0
  #stopped = true

  constructor(port: number, kubeconfig: string) {
    const text = readFileSync(kubeconfig, 'utf8')
    const field = (name: string) => Buffer.from(new RegExp(`${name}: (\\S+)`).exec(text)![1]!, 'base64')
    this.#port = port
    this.#credentials = { ca: field('certificate-authority-data'), cert: field('client-certificate-data'), key: field('client-key-data') }
    this.#agent = new Agent({ keepAlive: true, ...this.#credentials })
  }

  /** Several writers at once: each creates an object and then updates it some times. */
  start(writers = 4): Promise<unknown> {
    this.#stopped = false
    this.#agent = new Agent({ keepAlive: true, ...this.#credentials })
    return Promise.all(Array.from({ length: writers }, () => this.#write()))
  }

  get acknowledged(): number {
    return this.#acknowledged.size
  }

  stop(): void {
    this.#stopped = true
    this.#agent.destroy()
  }

  async #write(): Promise<void> {
    while (!this.#stopped) {
      const name = `w-${++this.#count}`
      try {
        await this.#put('POST', name, 0)
        for (let value = 1; value < 5 && !this.#stopped; value++) await this.#put('PUT', name, value)
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    }
  }

  async #put(method: 'POST' | 'PUT', name: string, value: number): Promise<void> {
    this.#attempted.set(name, value)
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value: String(value), filler: 'x'.repeat(1000) } }
    const { status, body: written } = await this.#call(method, method === 'POST' ? '' : `/${name}`, body)
    if (status !== 200 && status !== 201) throw new Error(`status ${status}`)
    this.#acknowledged.set(name, value)
    this.#newest = Math.max(this.#newest, Number(written.metadata!.resourceVersion))
  }

  /** After the machine has come back: is everything there? */
  async verify(): Promise<Verdict> {
    this.#agent = new Agent({ keepAlive: true, ...this.#credentials })
    const { body } = await this.#call('GET', '')
    const found = new Map((body.items ?? []).filter(({ metadata }) => metadata.name.startsWith('w-')).map(({ metadata, data }) => [metadata.name, Number(data?.value)]))
    const missing = [...this.#acknowledged].filter(([name, value]) => (found.get(name) ?? -1) < value).map(([name, value]) => `${name}=${value}, found ${found.get(name)}`)
    missing.push(...[...found].filter(([name, value]) => value > (this.#attempted.get(name) ?? -1)).map(([name, value]) => `${name}=${value} was never written`))
    const newest = this.#newest
    const acknowledged = this.#acknowledged.size
    const next = Number((await this.#call('POST', '', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `after-${Date.now()}` } })).body.metadata!.resourceVersion)
    return { acknowledged, missing, revision: Number(body.metadata!.resourceVersion), newest, next }
  }

  #call(method: string, path: string, body?: object): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const call = request({ host: '127.0.0.1', port: this.#port, path: `/api/v1/namespaces/default/configmaps${path}`, method, agent: this.#agent, timeout: 30_000, headers: { 'Content-Type': 'application/json' } }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('end', () => {
          try {
            resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) as Answer['body'] })
          } catch (error) {
            reject(error as Error)
          }
        })
        response.once('error', reject)
      })
      call.once('timeout', () => call.destroy(new Error('no answer in time')))
      call.once('error', reject)
      call.end(body && JSON.stringify(body))
    })
  }
}
