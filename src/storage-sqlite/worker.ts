// The worker thread that owns the database file. Started with `WorkerSettings`; speaks `protocol.ts`.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { copyDatabase, copyFailure } from './copy.ts'
import { openDatabase } from './database.ts'
import { Engine } from './engine.ts'
import {
  type FromWorker, packResults, packRows, type ToWorker, unpackWrites, type WorkerRow, type WorkerSettings,
} from './protocol.ts'
import { Room, withRoom } from './room.ts'
import { Rows } from './rows.ts'
import { createUpkeep } from './upkeep.ts'
import { DamagedDatabaseError, explain } from './unusable.ts'

const batchBytes = 64 * 1024
/** Between two steps of upkeep, so that they do not crowd out writes on a slow card. */
const upkeepPause = 20
const quietAfter = 2000
/** Between two steps of making the reserve, so that a sync never waits for much of it. */
const reservePause = 250

function told(error: unknown, path: string): { message: string; damaged: boolean } {
  const reason = explain(error, path)
  return { message: reason.message, damaged: reason instanceof DamagedDatabaseError }
}

function serve(port: MessagePort, settings: WorkerSettings): void {
  const post = (message: FromWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer)
  try {
    serveDatabase(port, settings, post)
  } catch (error) {
    post({ type: 'refused', ...told(error, settings.path) })
    port.close()
  }
}

function serveDatabase(port: MessagePort, settings: WorkerSettings, post: (message: FromWorker, transfer?: ArrayBuffer[]) => void): void {
  const db = withRoom(settings, () => openDatabase(settings))
  const rows = new Rows(db)
  const room = new Room(db, settings)
  const upkeep = createUpkeep(db, rows, room)
  const syncTakes = settings.fsyncDelayMilliseconds
  const pauseCell = new Int32Array(new SharedArrayBuffer(4))
  let upkeepTimer: NodeJS.Timeout | undefined
  let reserveTimer: NodeJS.Timeout | undefined

  const keepUp = guarded(() => {
    upkeepTimer = undefined
    if (!upkeep.step()) return
    planUpkeep()
    quietTimer.refresh()
  })
  const growReserve = guarded(() => {
    if (room.grow()) reserveTimer = setTimeout(growReserve, reservePause)
  })
  const settle = guarded(() => {
    upkeep.settle()
    planUpkeep()
    growReserve()
  })
  const quietTimer = setTimeout(settle, quietAfter)
  const planUpkeep = () => (upkeepTimer ??= setTimeout(keepUp, upkeepPause))
  const stopTimers = () => {
    clearTimeout(upkeepTimer)
    clearTimeout(quietTimer)
    clearTimeout(reserveTimer)
  }
  const afterCommit = () => {
    if (syncTakes > 0) Atomics.wait(pauseCell, 0, 0, syncTakes)
    planUpkeep()
    quietTimer.refresh()
  }
  const engine = new Engine({ db, rows, room, afterCommit, timeToLiveBytes: settings.timeToLiveBytes, skipRevisions: settings.skipRevisions })

  function guarded<A extends unknown[]>(work: (...args: A) => void): (...args: A) => void {
    return (...args) => {
      try {
        work(...args)
      } catch (error) {
        post({ type: 'failed', ...told(error, settings.path) })
        stopTimers()
        port.close()
      }
    }
  }

  function write(message: ToWorker & { type: 'write' }): void {
    const { results, reason } = engine.write(unpackWrites(message), message.now)
    const packed = packResults(results)
    post({ type: 'written', ...packed, reason, outlook: engine.outlook }, [packed.values.buffer])
    expire(message.now)
  }

  function expire(now: number): void {
    const removed = engine.expire(now)
    if (removed.length > 0) sendRemoved(removed)
  }

  function sendRemoved(removed: WorkerRow[]): void {
    const packed = packRows(removed)
    post({ type: 'removed', ...packed, outlook: engine.outlook }, [packed.values.buffer])
  }

  function sendRows(id: number, found: Iterable<WorkerRow>): void {
    let batch: WorkerRow[] = []
    let bytes = 0
    const send = (last: boolean) => {
      const packed = packRows(batch)
      post({ type: 'rows', id, ...packed, last, revision: engine.revision }, [packed.values.buffer])
      batch = []
      bytes = 0
    }
    for (const row of found) {
      batch.push(row)
      bytes += row.value.length
      if (bytes >= batchBytes) send(false)
    }
    send(true)
  }

  function copy(id: number, path: string): void {
    engine.flush()
    copyDatabase(db, path).then(() => post({ type: 'copied', id }), (error: unknown) => post({ type: 'notCopied', id, reason: copyFailure(error, path) }))
  }

  function relieve(): void {
    db.pragma('shrink_memory')
    ;(globalThis as { gc?: (options: { type: 'major'; flavor: 'last-resort' }) => void }).gc?.({ type: 'major', flavor: 'last-resort' })
  }

  function close(): void {
    engine.close()
    stopTimers()
    db.close()
    post({ type: 'closed' })
    port.close()
  }

  const handle = (message: ToWorker): void => {
    switch (message.type) {
      case 'write': return write(message)
      case 'get': return sendRows(message.id, [engine.get(message.key)].filter((row) => row !== undefined))
      case 'list': return sendRows(message.id, engine.list(message.prefix))
      case 'flush': return post({ type: 'flushed', reason: engine.flush(), outlook: engine.outlook })
      case 'expire':
        expire(message.now)
        return post({ type: 'flushed', reason: '', outlook: engine.outlook })
      case 'copy': return copy(message.id, message.path)
      case 'mark': return post({ type: 'marked', id: message.id, mark: rows.durableMark(message.except) })
      case 'relieve': return relieve()
      case 'close': return close()
    }
  }
  engine.redate(settings)
  const early = engine.expire(settings.now)
  if (early.length > 0) planUpkeep()
  post({ type: 'opened', revision: engine.revision, outlook: engine.outlook })
  port.on('message', guarded(handle))
}

const settings = workerData as WorkerSettings | undefined
if (parentPort && settings?.role === 'mk8s-storage') serve(parentPort, settings)
