// Load this with `await import()`: it is needed only when a client asks for a document.
export { encodeOpenApiV2, openApiV2ProtobufType } from './protobuf.ts'
export { openApiV2Document } from './v2.ts'
export { type GroupVersionPath, openApiPaths, openApiV3Document, openApiV3Hash, openApiV3Index } from './v3.ts'
