// Stock kubectl against the API server, the kubelet's API and a real containerd: what streams, over WebSocket and over SPDY.
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findExecutable } from '../src/base/child-process.ts'
import type { ContainerRuntime } from '../src/runtime/container-runtime.ts'
import { canRunContainers, startTestContainerd, testImage } from '../src/runtime/containerd/test-containerd.ts'
import { containerSpec, sandboxSpec } from '../src/runtime/contract.ts'
import { openCriRuntime } from '../src/runtime/cri/driver.ts'
import { startTestCluster } from './support/connect-cluster.ts'

const kubectl = process.env.KUBECTL ?? findExecutable('kubectl')
let webPort: number

/** The pod is on the machine's own network. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe.runIf(canRunContainers && kubectl)('kubectl', () => {
  let directory: string
  let containerd: Awaited<ReturnType<typeof startTestContainerd>>
  let runtime: ContainerRuntime
  let cluster: Awaited<ReturnType<typeof startTestCluster>>

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'mk8s-kubectl-'))
    containerd = await startTestContainerd()
    runtime = openCriRuntime({ endpoint: containerd.paths.socket })
    cluster = await startTestCluster(runtime)
    writeFileSync(join(directory, 'kubeconfig'), cluster.kubeconfig)
    const sandbox = sandboxSpec('web', join(directory, 'logs'))
    const sandboxId = await runtime.runSandbox(sandbox)
    webPort = await freePort()
    const script = `echo one; echo two; mkdir -p /www; echo content > /www/file; exec httpd -f -p ${webPort} -h /www`
    const id = await runtime.createContainer(sandboxId, containerSpec('main', testImage, script), sandbox)
    await runtime.startContainer(id)
    cluster.sandboxes.set('default/web', sandboxId)
    const running = { name: 'main', image: 'x', imageID: '', ready: true, restartCount: 0, containerID: `containerd://${id}`, state: { running: { startedAt: '2026-01-01T00:00:00Z' } } }
    await cluster.addPod('web', { containers: [{ name: 'main', image: 'x' }] }, { phase: 'Running', containerStatuses: [running] })
  })
  afterAll(async () => {
    await cluster?.stop()
    await runtime?.close()
    await containerd?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  function start(args: string[], webSockets: boolean) {
    const env = { ...process.env, KUBECONFIG: join(directory, 'kubeconfig'), KUBECTL_REMOTE_COMMAND_WEBSOCKETS: String(webSockets), KUBECTL_PORT_FORWARD_WEBSOCKETS: String(webSockets) }
    return spawn(kubectl!, args, { stdio: 'pipe', env })
  }

  async function run(args: string[], { webSockets = true, input = '' } = {}) {
    const child = start(args, webSockets)
    child.stdin.end(input)
    const closed = once(child, 'close')
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
    return { code: (await closed)[0] as number, stdout, stderr }
  }

  it('shows logs', async () => {
    expect(await run(['logs', 'web', '--tail=1'])).toEqual({ code: 0, stdout: 'two\n', stderr: '' })
  })

  describe.each([['WebSocket', true], ['SPDY', false]] as const)('over %s', (_name, webSockets) => {
    it('runs commands, with input, both outputs and the exit code', async () => {
      const { code, stdout, stderr } = await run(['exec', '-i', 'web', '--', 'sh', '-c', 'cat; echo err >&2; exit 3'], { webSockets, input: 'in\n' })
      expect({ code, stdout, stderr: stderr.split('\n')[0] }).toEqual({ code: 3, stdout: 'in\n', stderr: 'err' })
    })

    it('tells why a command could not be run', async () => {
      const { code, stderr } = await run(['exec', 'web', '--', 'nosuch'], { webSockets })
      expect(code).toBe(1)
      expect(stderr).toContain('exec: "nosuch": executable file not found in $PATH')
    })

    it('copies a big file there and back', async () => {
      const [there, back] = [join(directory, 'there'), join(directory, 'back')]
      writeFileSync(there, randomBytes(32 << 20))
      const sum = (path: string) => createHash('md5').update(readFileSync(path)).digest('hex')
      expect((await run(['cp', there, 'web:/big'], { webSockets })).code).toBe(0)
      expect((await run(['exec', 'web', '--', 'md5sum', '/big'])).stdout).toBe(`${sum(there)}  /big\n`)
      await run(['cp', 'web:/big', back], { webSockets })
      expect(existsSync(back) && sum(back)).toBe(sum(there))
      rmSync(back)
    })

    it('forwards a port', async () => {
      const child = start(['port-forward', 'pod/web', `:${webPort}`], webSockets)
      const [line] = (await once(child.stdout, 'data')) as [Buffer]
      const port = Number(/127\.0\.0\.1:(\d+)/.exec(String(line))?.[1])
      for (let i = 0; i < 3; i++) {
        const [response] = await once(get({ host: '127.0.0.1', port, path: '/file', agent: false }), 'response')
        expect(await text(response)).toBe('content\n')
      }
      child.kill()
      await once(child, 'close')
    })
  })
})
