import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { storageContract } from '../storage/contract.ts'
import { startSourceWorker } from './source-worker.ts'
import { openSqliteStorage } from './sqlite-storage.ts'

for (const fsyncDelayMilliseconds of [0, 20]) {
  storageContract(`SqliteStorage with ${fsyncDelayMilliseconds} ms added to each sync`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mk8s-storage-'))
    const clock = new FakeClock()
    const storage = await openSqliteStorage({ path: join(directory, 'state.db'), startWorker: startSourceWorker, clock, log: silentLogger, fsyncDelayMilliseconds })
    return { storage, clock, cleanUp: async () => rmSync(directory, { recursive: true }) }
  })
}
