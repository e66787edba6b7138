// A node mounts and unmounts: who can do only one of the two would leave mounts behind.
import { findExecutable } from '../base/child-process.ts'
import type { Component } from '../base/component.ts'

export const mountPrograms: Component = {
  name: 'mount and umount',
  async start() {
    const missing = ['mount', 'umount'].find((name) => !findExecutable(name))
    if (missing) throw new Error(`${missing} is missing: install it (Debian: apt-get install mount)`)
    return { failed: new Promise(() => {}), stop: async () => {} }
  },
}
