// When memory runs out the kernel ends pods first and this process last (containerd is told so by its own configuration).
import { writeFile } from 'node:fs/promises'
import type { Component } from '../base/component.ts'
import type { Logger } from '../base/logger.ts'

/** As the kubelet's. */
const score = -999

/** A machine that does not allow it is told once; the server runs all the same. */
export const lastToBeKilled = (log: Logger, file = '/proc/self/oom_score_adj'): Component => ({
  name: 'oom score',
  async start() {
    await writeFile(file, String(score)).catch((error: NodeJS.ErrnoException) => {
      log.info('the kernel may end mk8s like any other process when memory runs out: the capability CAP_SYS_RESOURCE is missing', { error: error.code })
    })
    return { failed: new Promise(() => {}), stop: async () => {} }
  },
})
