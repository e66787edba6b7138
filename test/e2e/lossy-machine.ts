// A machine whose disk forgets what it was not told to keep, as after a power cut: a file system in a file, shut down (EXT4_IOC_SHUTDOWN,
// nothing flushed) before anything else ends. What was synced is in its journal; what only lay in the page cache is gone.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, must, run } from './box.ts'
import { Machine } from './machine.ts'

/** The kernel's EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH. */
const shutDown = 'open(my $d, "<", $ARGV[0]) or die $!; my $flags = pack("I", 2); ioctl($d, 0x8004587d, $flags) or die $!'

export class LossyMachine extends Machine {
  readonly #image = join(this.directory, 'disk.img')

  override async open(): Promise<this> {
    await must('truncate', ['--size=4G', this.#image])
    await must('mkfs.ext4', ['-q', '-F', this.#image])
    mkdirSync(this.disk)
    await this.#mount()
    return super.open()
  }

  override async cutPower(): Promise<void> {
    await must('perl', ['-e', shutDown, this.disk])
    await super.cutPower()
    await this.#unmount()
    await this.#mount()
  }

  override async close(): Promise<void> {
    const { MK8S_TEST_KEEP: keep } = process.env
    await super.cutPower().catch(() => undefined)
    if (keep) return
    await this.#unmount()
    await super.close()
  }

  /** With a check first, as a machine that boots does; it replays the journal. */
  async #mount(): Promise<void> {
    const { code, stdout, stderr } = await run('e2fsck', ['-p', this.#image])
    if (code > 1) throw new Error(`e2fsck: code ${code}: ${stdout}${stderr}`)
    await must('mount', ['-o', 'loop', this.#image, this.disk])
  }

  #unmount = () => eventually('the disk is free', async () => (await run('umount', [this.disk])).code === 0 || (await run('mountpoint', ['-q', this.disk])).code !== 0)
}
