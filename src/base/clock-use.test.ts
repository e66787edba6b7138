// Wall time comes from the clock that is handed in: whoever takes it from elsewhere does not see jumps, and cannot be tested.
import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = new URL('..', import.meta.url).pathname
/** Commands end at once; a runtime's driver stamps what happens, as containerd does; a directory is called by the time, as upstream's. */
const mayRead = /^base\/clock\.ts$|^cli\/|^runtime\/ctr\/|^agent\/volumes\/atomic-writer\.ts$/

test('what runs in the server reads the wall clock by its clock only', () => {
  const offenders = globSync('**/*.ts', { cwd: root }).filter((path) => !/\.test\.ts$|\/testing\//.test(path) && !mayRead.test(path))
    .flatMap((path) => readFileSync(root + path, 'utf8').split('\n').flatMap((line, i) => (/\bDate\.now\(|new Date\(\)/.test(line) ? [`${path}:${i + 1}`] : [])))
  expect(offenders).toEqual([])
})
