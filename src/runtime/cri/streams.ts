// Interactive streams: the runtime answers with the address of its streaming server, which speaks SPDY.
import type { Duplex } from 'node:stream'
import { openForwardedPort } from '../../streaming/port-forward/client.ts'
import { openRemoteProcess } from '../../streaming/remote-command/client.ts'
import { spdyProtocols } from '../../streaming/remote-command/protocol.ts'
import { dialSpdy, type Dialed } from '../../streaming/spdy/upgrade.ts'
import { RuntimeError, type InteractiveStreams, type StreamOptions } from '../container-runtime.ts'
import type { CriConnection } from './connection.ts'
import { methods } from './methods.ts'

export async function openExec({ call }: CriConnection, id: string, command: string[], options: StreamOptions): Promise<InteractiveStreams> {
  const { url } = await call(methods.exec, { id, command, ...options, stderr: options.stderr && !options.tty })
  return interactive(await dial(url, spdyProtocols), options)
}

export async function openAttach({ call }: CriConnection, id: string, options: StreamOptions): Promise<InteractiveStreams> {
  const { url } = await call(methods.attach, { id, ...options, stderr: options.stderr && !options.tty })
  return interactive(await dial(url, spdyProtocols), options)
}

export async function openPortForward({ call }: CriConnection, id: string, port: number): Promise<Duplex> {
  const { url } = await call(methods.portForward, { id, ports: [port] })
  return openForwardedPort((await dial(url, ['portforward.k8s.io'])).connection, port)
}

async function dial(url: string, protocols: readonly string[]): Promise<Dialed> {
  try {
    return await dialSpdy(url, { protocols })
  } catch (error) {
    throw new RuntimeError('Unavailable', (error as Error).message, error)
  }
}

function interactive({ connection }: Dialed, options: StreamOptions): InteractiveStreams {
  const opened = openRemoteProcess(connection, options)
  const exit = opened.exit.catch((error: Error) => {
    throw new RuntimeError('Unknown', error.message, error)
  })
  exit.catch(() => {})
  return { ...opened, exit }
}
