// busybox-image.mjs OUT.tar NAME: a container image with Debian's static busybox, as a docker archive, for samples and tests.
import { createHash, randomBytes } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** `filler`: so many random bytes beside it, for an image of that size and of its own identity. */
export function writeBusyboxImage(out, name, { filler = 0 } = {}) {
  const work = mkdtempSync(join(tmpdir(), 'mk8s-image-'))
  try {
    const rootfs = join(work, 'rootfs')
    for (const dir of ['bin', 'etc', 'root', 'tmp', 'dev', 'proc', 'sys', 'var', 'www']) mkdirSync(join(rootfs, dir), { recursive: true })
    copyFileSync('/bin/busybox', join(rootfs, 'bin/busybox'))
    for (const applet of execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).split('\n')) {
      if (applet && applet !== 'busybox') symlinkSync('busybox', join(rootfs, 'bin', applet))
    }
    writeFileSync(join(rootfs, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/false\n')
    writeFileSync(join(rootfs, 'etc/group'), 'root:x:0:\nnobody:x:65534:\n')
    if (filler > 0) writeFileSync(join(rootfs, 'filler'), randomBytes(filler))
    const tar = (file, dir, entries) => execFileSync('tar', ['--sort=name', '--owner=0', '--group=0', '--mtime=@0', '-cf', file, '-C', dir, ...entries])
    tar(join(work, 'layer.tar'), rootfs, ['.'])
    const digest = createHash('sha256').update(readFileSync(join(work, 'layer.tar'))).digest('hex')
    const config = JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64', os: 'linux', created: '2026-01-01T00:00:00Z',
      config: { Env: ['PATH=/bin'], Cmd: ['sh'] }, rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
    })
    const configName = `${createHash('sha256').update(config).digest('hex')}.json`
    writeFileSync(join(work, configName), config)
    writeFileSync(join(work, 'manifest.json'), JSON.stringify([{ Config: configName, RepoTags: [name], Layers: ['layer.tar'] }]))
    tar(out, work, ['manifest.json', configName, 'layer.tar'])
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [out, name] = process.argv.slice(2)
  if (!out || !name) throw new Error('usage: busybox-image.mjs OUT.tar NAME')
  writeBusyboxImage(out, name)
}
