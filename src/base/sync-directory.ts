import { closeSync, fsyncSync, openSync } from 'node:fs'

/** Makes names made, changed or removed in a directory outlast a power cut: syncing a file does not save its name. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
