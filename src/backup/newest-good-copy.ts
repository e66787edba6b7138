// Which of the rolling copies can be relied on: each is read to its end, newest first, until one is whole.
import { createReadStream } from 'node:fs'
import { type StateCopy, listCopies } from './copies.ts'
import { openBackup } from './open.ts'
import { openWorkDirectory } from './work-directory.ts'

const notEncrypted = (): Promise<string> => Promise.reject(new Error('a local copy is not encrypted'))

/** @param scratch a directory with room for what is in a copy. */
export async function newestGoodCopy(directory: string, scratch: string): Promise<StateCopy | undefined> {
  for (const copy of listCopies(directory)) {
    const work = openWorkDirectory(scratch, 'check')
    try {
      await openBackup({ source: createReadStream(copy.path), passphrase: notEncrypted, directory: work.path })
      return copy
    } catch {
      // damaged as well: the one before it may be whole
    } finally {
      work.remove()
    }
  }
  return undefined
}
