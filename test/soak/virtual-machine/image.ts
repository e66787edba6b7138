// The disk of the machine: Debian 12 with what scripts/quickstart installs, the unit and the sample's image; made once and kept.
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface BaseImage {
  disk: string
  kernel: string
  initrd: string
  /** The key that the guest's root lets in. */
  key: string
}

const packages = [
  'systemd-sysv', 'dbus', 'udev', 'kmod', 'linux-image-cloud-amd64', 'initramfs-tools', 'zstd', 'openssh-server',
  'containerd', 'runc', 'containernetworking-plugins', 'iptables', 'conntrack', 'ethtool', 'iproute2', 'procps', 'libatomic1', 'ca-certificates', 'curl',
]

const files: Record<string, string> = {
  'etc/hostname': 'box\n',
  'etc/hosts': '127.0.0.1 localhost\n127.0.1.1 box\n',
  'etc/fstab': '/dev/vda / ext4 errors=remount-ro 0 1\n',
  'etc/resolv.conf': 'nameserver 10.0.2.3\n',
  'etc/systemd/network/80-any.network': '[Match]\nType=ether\nName=e*\n[Network]\nDHCP=ipv4\n',
  'etc/ssh/sshd_config.d/box.conf': 'PermitRootLogin prohibit-password\nUseDNS no\n',
  // no clock of a time server: what the machine's clock shows is part of the test
  'etc/systemd/journald.conf.d/box.conf': '[Journal]\nStorage=persistent\nSyncIntervalSec=5s\n',
}

export function ensureImage(root: string, directory: string): BaseImage {
  mkdirSync(directory, { recursive: true })
  const at = (name: string) => join(directory, name)
  const image: BaseImage = { disk: at('base.raw'), kernel: at('vmlinuz'), initrd: at('initrd'), key: at('key') }
  if (existsSync(image.disk)) return image
  const tree = at('tree')
  const sh = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  rmSync(tree, { recursive: true, force: true })
  mkdirSync(tree)
  console.log('building the root file system')
  if (!existsSync(at('tree.tar'))) {
    sh('mmdebstrap', '--variant=minbase', '--mode=root', `--include=${packages.join(',')}`, '--aptopt=Apt::Install-Recommends "false"', '--format=tar', 'bookworm', at('new.tar'), ...debianSources())
    renameSync(at('new.tar'), at('tree.tar'))
  }
  sh('tar', '-C', tree, '-xf', at('tree.tar'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(tree, name, '..'), { recursive: true })
    writeFileSync(join(tree, name), text)
  }
  rmSync(image.key, { force: true })
  sh('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', image.key)
  mkdirSync(join(tree, 'root/.ssh'), { recursive: true, mode: 0o700 })
  copyFileSync(`${image.key}.pub`, join(tree, 'root/.ssh/authorized_keys'))
  for (const unit of ['systemd-networkd', 'ssh']) sh('chroot', tree, 'systemctl', 'enable', '--quiet', unit)
  // as scripts/quickstart: Debian's own containerd service is not needed, it is left as its package leaves it
  sh('chroot', tree, 'systemctl', 'mask', '--quiet', 'apt-daily.timer', 'apt-daily-upgrade.timer', 'systemd-timesyncd', 'e2scrub_all.timer')
  const images = join(tree, 'var/lib/mk8s/agent/images')
  mkdirSync(images, { recursive: true })
  sh(process.execPath, join(root, 'scripts/busybox-image.mjs'), join(images, 'busybox.tar'), 'mk8s.io/busybox:1')
  const boot = join(tree, 'boot')
  for (const [prefix, to] of [['vmlinuz-', image.kernel], ['initrd.img-', image.initrd]] as const) copyFileSync(join(boot, readdirSync(boot).find((name) => name.startsWith(prefix))!), to)
  sh('mke2fs', '-q', '-F', '-t', 'ext4', '-d', tree, `${image.disk}.new`, '4G')
  renameSync(`${image.disk}.new`, image.disk)
  rmSync(tree, { recursive: true, force: true })
  return image
}

/** The machine's own Debian mirrors, when it is a Debian 12 itself. */
function debianSources(): string[] {
  const own = '/etc/apt/sources.list.d/debian.sources'
  return existsSync(own) && readFileSync(own, 'utf8').includes('bookworm') ? [own] : []
}
