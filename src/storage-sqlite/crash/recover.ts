// Opens the engine, in this thread, on what a crash has left.
import type { Row } from '../../storage/storage.ts'
import { openDatabase } from '../database.ts'
import { Engine } from '../engine.ts'
import { Room } from '../room.ts'
import { Rows } from '../rows.ts'
import { valueOf } from './model.ts'

interface Recovered {
  rows: Row[]
  revision: number
  /** What is wrong with the store apart from its content. */
  wrong: string[]
}

const write = { key: 'after/recovery', lazy: false, timeToLiveSeconds: undefined }

export function recover(path: string): Recovered {
  const db = openDatabase({ path, nativeBinding: undefined, mayCreate: true })
  try {
    const engine = new Engine({ db, rows: new Rows(db), room: new Room(db, { path: path, reserveBytes: 0 }), afterCommit: () => {}, timeToLiveBytes: 1 << 20 })
    const rows = [...engine.list('')].map(({ key, value, revision }) => ({ key, value, revision }))
    const { revision } = engine
    const [created] = engine.write([{ ...write, kind: 'create', value: valueOf('after'), expected: 0 }], 0).results
    const [deleted] = engine.write([{ ...write, kind: 'delete', value: Buffer.alloc(0), expected: created!.revision }], 0).results
    const wrong = created!.outcome === 'done' && deleted!.outcome === 'done' ? [] : ['cannot be written']
    engine.close()
    if (db.pragma('integrity_check', { simple: true }) !== 'ok') wrong.push('is damaged after recovery')
    return { rows, revision, wrong }
  } finally {
    db.close()
  }
}
