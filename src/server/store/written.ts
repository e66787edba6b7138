import type { KubeObject } from '../../api/object.ts'
import type { Entry } from '../cache/types.ts'

/** What a write came to. */
export interface Written {
  /** In the storage version. */
  object: KubeObject
  /** Undefined for a dry run. */
  entry?: Entry
  created?: boolean
}
