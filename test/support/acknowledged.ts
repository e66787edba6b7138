// Writers that outlive the machine they write to, and what must be there when it comes back: `node acknowledged.ts PORT KUBECONFIG` creates
// ConfigMaps and updates each some times, and prints a line before each write and one after each acknowledgement.
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

interface Listed {
  metadata: { resourceVersion: string }
  items: { metadata: { name: string }; data?: Record<string, string> }[]
}

export class AcknowledgedWrites {
  readonly #acknowledged = new Map<string, number>()
  readonly #attempted = new Map<string, number>()
  #newest = 0
  #process: ChildProcess | undefined
  #round = 0

  /** `prefix`: the command that runs what follows where the port is reached; empty for here. */
  start({ prefix = [], port, kubeconfig }: { prefix?: readonly string[]; port: number; kubeconfig: string }): void {
    const [command = process.execPath, ...args] = [...prefix, process.execPath, fileURLToPath(import.meta.url), String(port), kubeconfig, `${++this.#round}`]
    this.#process = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    createInterface(this.#process.stdout!).on('line', (line) => {
      const [what, name = '', value, revision] = line.split(' ')
      ;(what === 'try' ? this.#attempted : this.#acknowledged).set(name, Number(value))
      if (revision) this.#newest = Math.max(this.#newest, Number(revision))
    })
  }

  /** All that was acknowledged is known when this resolves. */
  async stop(): Promise<void> {
    const child = this.#process!
    const closed = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await closed
  }

  get count(): number {
    return this.#acknowledged.size
  }

  /** One line for each thing that is not as it was acknowledged. `list`: a ConfigMapList, with its revision. */
  wrong(list: string): string[] {
    const { items, metadata } = JSON.parse(list) as Listed
    const found = new Map(items.map((item) => [item.metadata.name, Number(item.data?.value)]).filter(([name]) => String(name).startsWith('w-')) as [string, number][])
    const lost = [...this.#acknowledged].filter(([name, value]) => (found.get(name) ?? -1) < value).map(([name, value]) => `${name} was acknowledged with ${value} and is ${found.get(name) ?? 'missing'}`)
    const invented = [...found].filter(([name, value]) => value > (this.#attempted.get(name) ?? -1)).map(([name, value]) => `${name} is ${value}, which nobody wrote`)
    const back = Number(metadata.resourceVersion) < this.#newest ? [`the revision is ${metadata.resourceVersion}, and was ${this.#newest}`] : []
    return [...lost, ...invented, ...back]
  }
}

const writers = 4
const updates = 4

/** Ends with whom it tells. */
async function write(port: number, kubeconfig: string, round: string): Promise<void> {
  process.stdout.once('error', () => process.exit())
  const text = readFileSync(kubeconfig, 'utf8')
  const field = (name: string) => Buffer.from(new RegExp(`${name}: (\\S+)`).exec(text)![1]!, 'base64')
  const agent = new Agent({ keepAlive: true, ca: field('certificate-authority-data'), cert: field('client-certificate-data'), key: field('client-key-data') })
  let count = 0
  const put = (method: 'POST' | 'PUT', name: string, value: number) => new Promise<void>((resolve, reject) => {
    process.stdout.write(`try ${name} ${value}\n`)
    const path = `/api/v1/namespaces/default/configmaps${method === 'POST' ? '' : `/${name}`}`
    const call = request({ host: '127.0.0.1', port, path, method, agent, timeout: 30_000, headers: { 'Content-Type': 'application/json' } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).once('error', reject).once('end', () => {
        if (response.statusCode !== 200 && response.statusCode !== 201) return reject(new Error(`status ${response.statusCode}`))
        const { metadata } = JSON.parse(Buffer.concat(chunks).toString()) as { metadata: { resourceVersion: string } }
        process.stdout.write(`acknowledged ${name} ${value} ${metadata.resourceVersion}\n`)
        resolve()
      })
    })
    call.once('timeout', () => call.destroy(new Error('no answer in time'))).once('error', reject)
    call.end(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value: String(value), filler: 'x'.repeat(1000) } }))
  })
  const writer = async () => {
    for (;;) {
      const name = `w-${round}-${++count}`
      try {
        await put('POST', name, 0)
        for (let value = 1; value <= updates; value++) await put('PUT', name, value)
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    }
  }
  await Promise.all(Array.from({ length: writers }, writer))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await write(Number(process.argv[2]), process.argv[3]!, process.argv[4]!)
