import { defineConfig } from 'vitest/config'

/** A directory of programs to be used in place of the machine's own, such as another containerd (docs/decisions/runtime.md). */
const programs = process.env.MK8S_TEST_PROGRAMS

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'], pool: 'forks', testTimeout: 30_000, hookTimeout: 60_000, maxWorkers: 2,
    env: programs ? { PATH: `${programs}:${process.env.PATH}` } : {},
  },
})
