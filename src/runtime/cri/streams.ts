import type { Duplex } from 'node:stream'
import { RuntimeError, type InteractiveStreams, type StreamOptions } from '../container-runtime.ts'
import type { CriConnection } from './connection.ts'

export async function openExec(_connection: CriConnection, _id: string, _command: string[], _options: StreamOptions): Promise<InteractiveStreams> {
  throw new RuntimeError('Unimplemented', 'streams')
}
export async function openAttach(_connection: CriConnection, _id: string, _options: StreamOptions): Promise<InteractiveStreams> {
  throw new RuntimeError('Unimplemented', 'streams')
}
export async function openPortForward(_connection: CriConnection, _id: string, _port: number): Promise<Duplex> {
  throw new RuntimeError('Unimplemented', 'streams')
}
