// A machine whose disk forgets what it was not told to keep, as after a power cut: a file system in a file, shut down (EXT4_IOC_SHUTDOWN,
// nothing flushed) before anything else ends. What was synced is in its journal; what only lay in the page cache is gone.
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, must, run } from './box.ts'
import { Machine } from './machine.ts'

/** The kernel's EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH. */
const shutDown = 'open(my $d, "<", $ARGV[0]) or die $!; my $flags = pack("I", 2); ioctl($d, 0x8004587d, $flags) or die $!'

export class LossyMachine extends Machine {
  #image = join(this.directory, 'disk-0.img')
  #cuts = 0

  override async open(): Promise<this> {
    await must('truncate', ['--size=2G', this.#image])
    await must('mkfs.ext4', ['-q', '-F', this.#image])
    mkdirSync(this.disk)
    await must('mount', ['-o', 'loop', this.#image, this.disk])
    return super.open()
  }

  /** Goes on with a copy of what the disk holds: mount namespaces that others have made meanwhile keep the dead file system mounted. */
  override async cutPower(): Promise<void> {
    const goOn = await this.#standStill()
    await must('perl', ['-e', shutDown, this.disk])
    goOn()
    await super.cutPower()
    await must('umount', ['--lazy', this.disk])
    const old = this.#image
    this.#image = join(this.directory, `disk-${++this.#cuts}.img`)
    // every byte is read: what file systems say about holes is not to be trusted here
    await must('dd', [`if=${old}`, `of=${this.#image}`, 'bs=1M', 'conv=sparse', 'status=none'])
    rmSync(old)
    // as a machine that boots does: replays the journal
    const { code, stdout, stderr } = await run('e2fsck', ['-p', this.#image])
    if (code > 1) throw new Error(`e2fsck: code ${code}: ${stdout}${stderr}`)
    await must('mount', ['-o', 'loop', this.#image, this.disk])
  }

  /** A sync under way when the file system is shut down may succeed in vain (2 of 25 with a file that grows, Linux 6.18); a real disk does not lie so. */
  async #standStill(): Promise<() => void> {
    let pid: number
    try {
      pid = this.pid
      process.kill(pid, 'SIGSTOP')
    } catch {
      return () => {} // it has ended: nothing is acknowledged any more
    }
    const states = () => readdirSync(`/proc/${pid}/task`).map((task) => /\) (\w)/.exec(readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8'))?.[1])
    await eventually('the server stands still', async () => states().every((state) => state === 'T'))
    const waiting = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
    return () => {
      process.kill(pid, 'SIGKILL')
      // nsenter has stopped with it, and a machine ends when all its processes were waited for
      process.kill(waiting, 'SIGCONT')
    }
  }

  override async close(): Promise<void> {
    if (process.env.MK8S_TEST_KEEP) return super.close()
    await super.cutPower().catch(() => undefined)
    await run('umount', ['--lazy', this.disk])
    await super.close()
  }
}
