// An image archive in the format of `docker save` around a static busybox, with two volumes: one that has content and one that is not there.
import { createHash } from 'node:crypto'
import { tarArchive } from '../pause/image.ts'
import { hostArchitecture } from '../pause/program.ts'

const applets = ['sh', 'cat', 'echo', 'sleep', 'ls', 'tar', 'dd', 'true', 'false', 'id', 'stty', 'head', 'seq', 'nc', 'wget', 'httpd', 'mkdir', 'rm', 'md5sum', 'hostname', 'env', 'test', 'kill', 'ps', 'vi']

export function busyboxArchive(name: string, busybox: Buffer): Buffer {
  const scripts = applets.map((applet) => ({ name: `bin/${applet}`, mode: 0o755, content: Buffer.from(''), link: 'busybox' }))
  const layer = tarArchive([{ name: 'bin/busybox', mode: 0o755, content: busybox }, ...scripts, { name: 'data/seed', mode: 0o640, content: Buffer.from('sown\n') }])
  const config = Buffer.from(JSON.stringify({
    architecture: hostArchitecture(), os: 'linux', config: { Env: ['PATH=/bin'], Cmd: ['sh'], Volumes: { '/data': {}, '/new/': {} } }, rootfs: { type: 'layers', diff_ids: [`sha256:${createHash('sha256').update(layer).digest('hex')}`] },
  }))
  const configName = `${createHash('sha256').update(config).digest('hex')}.json`
  const manifest = Buffer.from(JSON.stringify([{ Config: configName, RepoTags: [name], Layers: ['layer.tar'] }]))
  return tarArchive([
    { name: 'layer.tar', mode: 0o644, content: layer }, { name: configName, mode: 0o644, content: config }, { name: 'manifest.json', mode: 0o644, content: manifest },
  ])
}
