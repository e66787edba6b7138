// Everything that is made from packages at build time and never committed: src/api/generated/.
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateDescriptions } from './descriptions.mjs'
import { generateTypes } from './types.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const options = { root, clientNode: join(root, 'node_modules/@kubernetes/client-node'), out: join(root, 'src/api/generated') }
mkdirSync(options.out, { recursive: true })
await generateTypes(options)
await generateDescriptions(options)
