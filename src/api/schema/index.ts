export { canonical, decodeStrict } from './decode.ts'
export { applyDefaults } from './defaults.ts'
export { schemas } from './registry.ts'
export type { StructSchema } from './schema.ts'
