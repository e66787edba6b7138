export { type ApplyOptions, serverSideApply } from './server-side-apply.ts'
export { type UpdateOptions, trackUpdate } from './track-update.ts'
