// What `--kubelet-arg` can change, and the kubelet's defaults for it (source: k8s.io/kubernetes pkg/kubelet/apis/config/v1beta1/defaults.go).
import { defaultHard, parseThresholds, type Threshold } from '../eviction/thresholds.ts'

export interface EvictionSettings {
  thresholds: readonly Threshold[]
  /** A condition of the node lasts so long after it was last seen. */
  transitionMilliseconds: number
  /** Most that a pod gets to end when a soft threshold is crossed. */
  maxPodGraceSeconds: number
}

export interface StorageLimitSettings {
  enabled: boolean
  /** Pods with a limit on disk are measured this often. */
  measureMilliseconds: number
}

export interface ImageSettings {
  /** In percent of the images' disk: above `high` images are removed until `low`; 100 is never. */
  highPercent: number
  lowPercent: number
  /** Younger ones stay, also when the disk is full. */
  minimumAgeMilliseconds: number
  /** Unused for longer they go, also when there is room; 0 is never. */
  maximumAgeMilliseconds: number
}

export interface DeadContainerSettings {
  keptPerContainer: number
  minimumAgeMilliseconds: number
}

interface LogSettings {
  maxBytes: number
  maxFiles: number
}

export interface KubeletSettings {
  eviction: EvictionSettings
  storageLimits: StorageLimitSettings
  images: ImageSettings
  deadContainers: DeadContainerSettings
  logs: LogSettings
  /** Kept from pods for the machine and for mk8s: thousandths of a core, bytes, processes. */
  reserved: Readonly<Partial<Record<'cpu' | 'memory' | 'ephemeral-storage' | 'pid', number>>>
  maxPods: number
  /** Between two looks at memory and disk. */
  housekeepingMilliseconds: number
}

export const defaultSettings: KubeletSettings = {
  eviction: { thresholds: parseThresholds({ hard: defaultHard, soft: {}, softGrace: {}, minimumReclaim: {} }), transitionMilliseconds: 300_000, maxPodGraceSeconds: 0 },
  storageLimits: { enabled: true, measureMilliseconds: 60_000 },
  images: { highPercent: 85, lowPercent: 80, minimumAgeMilliseconds: 120_000, maximumAgeMilliseconds: 0 },
  deadContainers: { keptPerContainer: 1, minimumAgeMilliseconds: 0 },
  logs: { maxBytes: 10 * 1024 * 1024, maxFiles: 5 },
  reserved: {},
  maxPods: 110,
  housekeepingMilliseconds: 15_000,
}
