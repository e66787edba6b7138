import { expect, test } from 'vitest'
import { run } from './child-process.ts'

test('a program that does not answer is ended', async () => {
  await expect(run('sleep', ['60'], { timeoutMilliseconds: 50 })).rejects.toThrow('sleep: no answer in time')
})

test('a program that has answered while this process stood still was in time', async () => {
  const answer = run('echo', ['here'], { timeoutMilliseconds: 300 })
  for (const until = performance.now() + 1500; performance.now() < until; );
  expect(await answer).toMatchObject({ code: 0, stdout: 'here\n' })
})
