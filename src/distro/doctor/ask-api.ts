// Asks the API server of this machine, as the administrator whose certificate lies in the data directory.
import { request } from 'node:https'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'
import { readIfThere } from '../../base/read-file.ts'
import type { Condition } from './condition.ts'

interface Server {
  data: string
  host: string
  port: number
  nodeName: string
}

const timeout = 10_000

export async function askApi(server: Server): Promise<NonNullable<Condition['api']>> {
  try {
    const { status, body } = await get(server, `/api/v1/nodes/${server.nodeName}`)
    if (status === 404) return { node: server.nodeName, ready: false, pressures: [] }
    if (status !== 200) return { failure: `HTTP status ${status}`, pressures: [] }
    const conditions = ((JSON.parse(body) as { status?: { conditions?: { type: string; status: string }[] } }).status?.conditions ?? [])
    return { node: server.nodeName, ready: conditions.some((c) => c.type === 'Ready' && c.status === 'True'), pressures: conditions.filter((c) => c.type !== 'Ready' && c.status === 'True').map((c) => c.type) }
  } catch (error) {
    return { failure: (error as Error).message, pressures: [] }
  }
}

async function get({ data, host, port }: Server, path: string): Promise<{ status: number; body: string }> {
  const file = (name: string) => readIfThere(join(data, 'server/tls', name))
  return new Promise((resolve, reject) => {
    const asking = request({ host, port, path, timeout, agent: false, ca: file('server-ca.crt'), cert: file('client-admin.crt'), key: file('client-admin.key') }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject)
    })
    asking.once('timeout', () => asking.destroy(new Error('no answer in time'))).once('error', reject).end()
  })
}
