// By what two states of the cluster are told apart, for copies that are made only when something has changed.
import { createHash } from 'node:crypto'
import { nodes } from '../api/refs.ts'
import type { Client } from '../client/client.ts'
import { storagePrefix } from '../server/registry.ts'
import type { SqliteStorage } from '../storage-sqlite/sqlite-storage.ts'

/** Every durable row counts; of Nodes, whose status the kubelet writes every five minutes, only what others have written. */
export async function describeState(storage: SqliteStorage, client: Client): Promise<{ revision: number; mark: string }> {
  const { items } = await client.resource(nodes).list()
  const hash = createHash('sha256')
  for (const { metadata: { name, uid, labels, annotations }, spec } of items) hash.update(JSON.stringify([name, uid, labels, annotations, spec]))
  return { revision: await storage.currentRevision(), mark: `${await storage.durableMark(storagePrefix(nodes))} ${hash.digest('hex')}` }
}
