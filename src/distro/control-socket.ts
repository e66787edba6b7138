// Where commands on this machine ask the running server for something: HTTP over a Unix socket that only root can connect to. That it
// answers is also how they know that a server uses the data directory.
import { createServer, request } from 'node:http'
import { chmodSync, rmSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import type { Component } from '../base/component.ts'

/** By path, as `/copy`. What they return is answered as JSON; the message of what they throw is one line for the asker. */
export type ControlHandlers = Readonly<Record<string, (body: Readonly<Record<string, unknown>>) => Promise<unknown>>>

/** The data directory must be ours already: a socket from before is replaced. */
export const controlSocket = (path: string, handlers: () => ControlHandlers): Component => ({
  name: 'control socket',
  async start() {
    const server = createServer((message, response) => {
      const answer = async () => {
        const handler = handlers()[message.url ?? '']
        if (!handler) return [404, { error: `${message.url} is not known to this server: is it another version of mk8s?` }] as const
        const body = await text(message)
        return [200, (await handler(body ? (JSON.parse(body) as Record<string, unknown>) : {})) ?? {}] as const
      }
      answer().catch((error: Error) => [500, { error: error.message }] as const).then(([status, body]) => response.writeHead(status).end(JSON.stringify(body)))
    })
    rmSync(path, { force: true })
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
    chmodSync(path, 0o600)
    return {
      failed: new Promise(() => {}),
      async stop() {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      },
    }
  },
})

/** @returns undefined when no server listens. @throws Error with what the server said */
export function askServer(path: string, command: string, body: object = {}): Promise<Record<string, unknown> | undefined> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath: path, path: command, method: 'POST' }, (response) => {
      text(response).then((answer) => {
        const said = JSON.parse(answer) as Record<string, unknown>
        if (response.statusCode === 200) resolve(said)
        else reject(new Error(String(said.error)))
      }).catch(reject)
    })
    asking.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined)
      else reject(new Error(`the running server does not answer: ${error.message}`))
    })
    asking.end(JSON.stringify(body))
  })
}
