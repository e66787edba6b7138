// Wall time comes from the clock that is handed in: whoever takes it from elsewhere does not see jumps, and cannot be tested.
import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = new URL('..', import.meta.url).pathname

test('nobody but the clock reads the wall clock', () => {
  const offenders = globSync('**/*.ts', { cwd: root }).filter((path) => !/\.test\.ts$|^base\/clock\.ts$|\/testing\//.test(path))
    .flatMap((path) => readFileSync(root + path, 'utf8').split('\n').flatMap((line, i) => (/\bDate\.now\(|new Date\(\)/.test(line) ? [`${path}:${i + 1}`] : [])))
  expect(offenders).toEqual([])
})
