// Where this containerd unpacks images: the first of its snapshotters that works.
import { RuntimeError } from '../container-runtime.ts'
import type { Containerd } from './containerd.ts'
import { services } from './services.ts'

const order = ['overlayfs', 'btrfs', 'zfs', 'native']

/** @param wanted comes first, where it works. */
export async function chooseSnapshotter({ call }: Pick<Containerd, 'call'>, wanted?: string): Promise<string> {
  const { plugins } = await call(services.plugins, { filters: ['type==io.containerd.snapshotter.v1'] })
  const working = new Set(plugins.filter(({ failure }) => !failure).map(({ id }) => id))
  const chosen = [...(wanted ? [wanted] : []), ...order].find((name) => working.has(name))
  if (!chosen) throw new RuntimeError('Unknown', 'this containerd has no snapshotter that works')
  return chosen
}
