// Whether memory, disk or process ids run short on this machine (source: default hard eviction thresholds of the kubelet).
import { readFile, statfs } from 'node:fs/promises'
import type { NodePressure } from '../node/node-status.ts'

export interface PressureReading extends NodePressure {
  memoryAvailableBytes: number
}

const thresholds = { memoryBytes: 100 * 1024 * 1024, disk: 0.1, images: 0.15, inodes: 0.05 }

export async function readPressure(stateDirectory: string, imageDirectory: string | undefined): Promise<PressureReading> {
  const [meminfo, state, images] = await Promise.all([
    readFile('/proc/meminfo', 'utf8'), statfs(stateDirectory), statfs(imageDirectory ?? stateDirectory).catch(() => statfs(stateDirectory)),
  ])
  const memoryAvailableBytes = Number(/^MemAvailable:\s+(\d+)/m.exec(meminfo)?.[1] ?? 0) * 1024
  const disk = state.bavail / state.blocks < thresholds.disk || images.bavail / images.blocks < thresholds.images
  const inodes = state.files > 0 && state.ffree / state.files < thresholds.inodes
  return { memory: memoryAvailableBytes < thresholds.memoryBytes, disk: disk || inodes, pids: false, memoryAvailableBytes }
}
