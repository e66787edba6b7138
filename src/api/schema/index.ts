export { canonical, decodeStrict, type Decoded } from './decode.ts'
export { applyDefaults } from './defaults.ts'
export { schemas } from './registry.ts'
export type { AnySchema, Field, ListSchema, MapSchema, ScalarSchema, Schema, StructSchema } from './schema.ts'
