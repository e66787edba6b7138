// Rounds of power cuts on a machine whose disk forgets what was not synced: objects are written, pods come and go, an image is unpacked.
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { PodStatus } from '../../src/api/generated/types.ts'
import { busyboxArchive } from '../../src/runtime/containerd/test-image.ts'
import { AcknowledgedWrites } from '../support/acknowledged.ts'
import { eventually } from './box.ts'
import { CrashRounds } from './crash-rounds.ts'
import type { LossyMachine } from './lossy-machine.ts'
import { pod, shell } from './workbench.ts'

interface Cut {
  /** Objects acknowledged so far. */
  acknowledged: number
  /** From the cut until all pods ran and nothing else was left. */
  convergedMilliseconds: number
  /** Whether the machine went down while layers were not synced. */
  unpackedAnew: boolean
}

export class PowerCuts {
  readonly #machine: LossyMachine
  readonly #rounds: CrashRounds
  readonly #random: () => number
  readonly #writes = new AcknowledgedWrites()
  #count = 0

  constructor(machine: LossyMachine, random: () => number) {
    this.#machine = machine
    this.#random = random
    this.#rounds = new CrashRounds(machine, random)
  }

  /** @throws when something acknowledged is not there, when the node does not converge, or a fresh image's program does not run. */
  async round(): Promise<Cut> {
    const machine = this.#machine
    const image = `mk8s.io/fresh:${++this.#count}`
    const archive = join(machine.disk, 'root/fresh.tar')
    // a layer never seen before: a program may have anything behind its end
    const content = busyboxArchive(image, Buffer.concat([readFileSync('/bin/busybox'), randomBytes(4 << 20)]))
    writeFileSync(archive, content)
    this.#writes.start({ prefix: machine.enterNetwork('/proc/1/ns/net'), port: 6443, kubeconfig: join(machine.disk, machine.kubeconfig) })
    let importing: Promise<unknown> | undefined
    const underWay = () => {
      importing = machine.tryInside(machine.binary, ['images', 'import', '/root/fresh.tar'])
      return wait(this.#random() * 1000)
    }
    // every second cut comes while the image is imported; otherwise it has been imported, and must stay
    const cutOff = this.#count % 2 === 0
    if (!cutOff) await machine.inside(machine.binary, ['images', 'import', '/root/fresh.tar'])
    const before = machine.log().length
    const { convergedMilliseconds } = await this.#rounds.round('power', cutOff ? underWay : undefined).finally(() => Promise.all([this.#writes.stop(), importing]))
    const wrong = this.#writes.wrong(await machine.k(['get', '--raw', '/api/v1/namespaces/default/configmaps']))
    if (wrong.length > 0) throw new Error(`after power cut ${this.#count}: ${wrong.slice(0, 5).join('; ')}`)
    if (cutOff) {
      // the disk may have forgotten the archive as well
      writeFileSync(archive, content)
      await machine.inside(machine.binary, ['images', 'import', '/root/fresh.tar'])
    }
    await this.#runs(image)
    return { acknowledged: this.#writes.count, convergedMilliseconds, unpackedAnew: machine.log().slice(before).includes('unpacked anew') }
  }

  async #runs(image: string): Promise<void> {
    const name = `fresh-${this.#count}`
    await this.#machine.apply(pod({ name, container: { image }, command: shell('echo whole; cat /etc/resolv.conf /etc/hosts'), spec: { restartPolicy: 'Never' } }))
    await eventually(`${name} has run`, async () => {
      const status = JSON.parse(await this.#machine.k(['get', 'pod', name, '-o', 'jsonpath={.status}'])) as PodStatus
      if (status.phase !== 'Succeeded') throw new Error(`${status.phase}: ${JSON.stringify(status.containerStatuses?.[0]?.state)}`)
      return true
    }, 60)
    const said = await this.#machine.k(['logs', name])
    if (!/whole[^]*nameserver[^]*localhost/.test(said)) throw new Error(`${name} said ${said}`)
    await this.#machine.k(['delete', 'pod', name, '--grace-period=1'])
  }
}
