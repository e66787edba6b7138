// Runs stages on one machine. The base image is kept for the next time (MK8S_VM_DIR); all else is removed.
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Box } from './box.ts'
import { ensureImage } from './image.ts'
import { bootAgain, cgroups, clock, ctr, install, power, reboot, restart, type Stage } from './stages.ts'

const stages: Record<string, Stage> = { restart, cgroups, reboot, power, clock, ctr }
const root = resolve(import.meta.dirname, '../../..')
const wanted = process.argv.slice(2).filter((name) => name !== 'first')
const unknown = wanted.filter((name) => !(name in stages))
if (unknown.length > 0) throw new Error(`no such stage: ${unknown.join(' ')}; there are first ${Object.keys(stages).join(' ')}`)

const image = ensureImage(root, process.env.MK8S_VM_DIR ?? join(tmpdir(), 'mk8s-vm'))
// a disk with mk8s installed, of a run with KEEP=1, saves the first stage
const directory = process.env.DISK ? resolve(process.env.DISK, '..') : mkdtempSync(join(tmpdir(), 'mk8s-vm-run-'))
const [disk, binary] = [join(directory, 'disk.raw'), join(directory, 'binary.raw')]
if (!process.env.DISK) execFileSync('cp', ['--sparse=always', image.disk, disk])
copyFileSync(join(root, 'dist/mk8s'), binary)
truncateSync(binary, Math.ceil(readFileSync(binary).length / 512) * 512)
const box = new Box({ image, disk, directory, binary, sshPort: await freePort(), apiPort: await freePort() })
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void end(1))
console.log(`emulation: mk8s --version takes ${time(['--version'])} s here`)
const run = process.argv.length === 3 && wanted.length === 0 ? [] : wanted.length > 0 ? wanted : Object.keys(stages)
for (const [name, stage] of [process.env.DISK ? (['again', bootAgain] as const) : (['first', install] as const), ...run.map((name) => [name, stages[name]!] as const)]) {
  console.log(`\n== ${name} ${new Date().toISOString()}`)
  try {
    await stage({ box, root, rounds: Number(process.env.ROUNDS ?? 10) })
  } catch (error) {
    box.failures++
    console.log(error)
    console.log((await box.guest.run('journalctl -u mk8s -n 40 --no-pager -o cat; ps axo stat,time,args | tail -30')).out)
  }
}
console.log(box.failures === 0 ? '\nall claims hold' : `\n${box.failures} claims do not hold`)
await end(box.failures === 0 ? 0 : 1)

async function end(code: number): Promise<never> {
  if (process.env.KEEP) await box.guest.shutDown()
  await box.guest.close()
  if (existsSync(join(directory, 'console.log')) && code !== 0) console.log(readFileSync(join(directory, 'console.log'), 'utf8').split('\n').slice(-20).join('\n'))
  if (!process.env.KEEP) rmSync(directory, { recursive: true, force: true })
  process.exit(code)
}

function time(args: string[]): string {
  const begun = performance.now()
  execFileSync(join(root, 'dist/mk8s'), args, { stdio: 'ignore' })
  return ((performance.now() - begun) / 1000).toFixed(1)
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => done(port))
    })
  })
}
