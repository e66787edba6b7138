// The kubelet's settings as the options give them.
import { parseKubeletArgs } from '../agent/settings/kubelet-args.ts'
import type { KubeletSettings } from '../agent/settings/settings.ts'
import { ConfigError } from '../config/load.ts'

/** @throws ConfigError */
export function readKubeletSettings(args: readonly string[]): KubeletSettings {
  try {
    return parseKubeletArgs(args)
  } catch (error) {
    throw new ConfigError(`--kubelet-arg: ${(error as Error).message}`)
  }
}
