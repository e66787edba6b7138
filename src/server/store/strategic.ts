import { applyMergePatch } from '../../api/patch/merge-patch.ts'
import type { ServedResource } from '../registry.ts'

export const strategicMerge = <T>(_resource: ServedResource, document: T, patch: unknown): T => applyMergePatch(document, patch)
