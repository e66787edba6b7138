// Rewrites src/api/schema/facts.json, the table of interface facts about upstream's types. Needed again only when the API version moves:
//   go run reflect.go > go.json; go run defaults.go > defaults.txt     (in a module that requires upstream's packages)
//   kubectl get --raw /openapi/v3/... > v3/GROUP_VERSION.json          (for every group version of the index)
//   node make-facts.mjs go.json defaults.txt v3
// What a line means is told where it is read: src/api/schema/facts.ts.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const [goFile, defaultsFile, v3Dir] = process.argv.slice(2)
const go = JSON.parse(readFileSync(goFile, 'utf8'))
const v3 = {}
for (const file of readdirSync(v3Dir)) Object.assign(v3, JSON.parse(readFileSync(join(v3Dir, file), 'utf8')).components?.schemas)

// Values that depend on other fields or on the kind around them; the kinds' own files set these.
const dynamic = new Set([
  'core.v1.Container imagePullPolicy', 'core.v1.EphemeralContainerCommon imagePullPolicy', 'core.v1.ImageVolumeSource pullPolicy', 'core.v1.ConfigMap data',
  'core.v1.PodSpec enableServiceLinks', 'core.v1.ServiceSpec internalTrafficPolicy', 'core.v1.ServiceSpec sessionAffinityConfig', 'networking.v1.NetworkPolicySpec policyTypes',
  'resource.v1.DeviceSubRequest count', 'resource.v1.ExactDeviceRequest count', 'resource.v1.DeviceTaint timeAdded', 'autoscaling.v2.HPAScalingRules stabilizationWindowSeconds',
  'flowcontrol.v1.ExemptPriorityLevelConfiguration nominalConcurrencyShares', 'apps.v1.StatefulSetUpdateStrategy type',
])
const own = { 'core.v1.PodSpec securityContext': '{}', 'apps.v1.StatefulSetSpec persistentVolumeClaimRetentionPolicy': '{}' }
for (const hook of ['MutatingWebhook', 'ValidatingWebhook', 'MatchResources']) for (const field of ['namespaceSelector', 'objectSelector']) own[`admissionregistration.v1.${hook} ${field}`] = '{}'

const short = (name) => name.replace(/^io\.k8s\.api\./, '')
const defaults = { ...own }
for (const line of readFileSync(defaultsFile, 'utf8').split('\n').filter(Boolean)) {
  const [place, value] = line.split(' = ')
  const key = place.replace(/^k8s\.io\/api\//, '').replaceAll('/', '.')
  if (!dynamic.has(key) && !key.startsWith('batch.v1.JobSpec') && !value.includes('  |  -')) defaults[key] = value.split('  |  ')[0]
}

const scalars = { s: 'string', b: 'bool', i: 'int32', l: 'int64', u: 'uint32', v: 'uint64', d: 'float64', y: '[]uint8' }
function derivedGoType(type) {
  if (type.startsWith('*')) return derivedGoType(type.slice(1))
  if (type.startsWith('[]')) return '[]' + derivedGoType(type.slice(2))
  if (type.startsWith('{}')) return 'map[string]' + derivedGoType(type.slice(2))
  if (type.startsWith('@')) return type.split('.').slice(-2).join('.')
  return scalars[type]
}

function describeField(owner, field, schema) {
  const attributes = []
  const put = (flag, value) => attributes.push(value === undefined ? flag : `${flag}(${value})`)
  const property = schema?.properties?.[field.name] ?? {}
  const goType = field.go.replace(/^\*/, '')
  if (field.always) put('!')
  if (schema?.required?.includes(field.name)) put('r')
  const derived = derivedGoType(field.type)
  if (derived !== undefined && goType !== derived) put('t', goType)
  const listType = property['x-kubernetes-list-type']
  if (listType === 'atomic') put('a')
  if (listType === 'set') put('s')
  if (listType === 'map') put('m', property['x-kubernetes-list-map-keys'].join(','))
  if (property['x-kubernetes-map-type'] === 'atomic') put('A')
  if (property['x-kubernetes-map-type'] === 'granular') put('G')
  const strategy = property['x-kubernetes-patch-strategy']
  if (strategy || property['x-kubernetes-patch-merge-key']) put('p', `${strategy ?? ''};${property['x-kubernetes-patch-merge-key'] ?? ''}`)
  const fixed = defaults[`${short(owner)} ${field.name}`] ?? (['', 0, false, undefined].includes(property.default) || typeof property.default === 'object' ? undefined : JSON.stringify(property.default))
  if (fixed !== undefined && fixed !== '-' && fixed !== 'null') put('d', fixed.replaceAll(' ', '%20'))
  if (property.default !== undefined && typeof property.default !== 'object' && !['', 0, false].includes(property.default)) put('o')
  if (['', 0, false].includes(property.default) && !(field.always && 'sbiluvd'.includes(field.type))) put('z')
  const values = property.enum ?? property.items?.enum
  if (values) put('e', values.join(',').replaceAll(' ', '%20'))
  return [field.name, short2(field.type), field.pb || '0', ...attributes].join(' ')
}
const free = /@io\.k8s\.apiextensions-apiserver\S*\.JSONSchemaPropsOr(Bool|Array|StringArray)$/
const short2 = (type) => type.replace(free, 'J').replace(/@(.*)$/, (_, name) => '@' + short(name))

const fieldsOf = (name) => go[name].fields ?? []
const reached = new Set()
function reach(name) {
  if (reached.has(name) || !go[name]) return
  reached.add(name)
  for (const field of fieldsOf(name)) {
    const at = field.type.indexOf('@')
    if (at >= 0) reach(field.type.slice(at + 1))
  }
}
for (const name of Object.keys(v3)) reach(name)
for (const name of ['PartialObjectMetadata', 'PartialObjectMetadataList', 'Table']) reach(`io.k8s.apimachinery.pkg.apis.meta.v1.${name}`)

const types = {}
const unused = new Set(Object.keys(defaults))
for (const name of [...reached].sort()) {
  // What is embedded has no definition of its own in OpenAPI; its fields appear in every owner.
  const owner = v3[name] ?? Object.values(v3).find((s) => fieldsOf(name).length && fieldsOf(name).every((f) => s.properties?.[f.name]))
  types[short(name)] = fieldsOf(name).map((f) => {
    unused.delete(`${short(name)} ${f.name}`)
    return f.inline ? `> ${short2(f.type)} ${f.pb || '0'}` : describeField(name, f, owner)
  }).join('\n')
}
if (unused.size) console.error('defaults of unknown fields:', [...unused])
const kinds = {}
const atomic = []
for (const [name, schema] of Object.entries(v3)) {
  if (schema['x-kubernetes-map-type'] === 'atomic') atomic.push(short(name))
  const of = schema['x-kubernetes-group-version-kind'] ?? []
  if (of.length === 1) kinds[`${of[0].group ? of[0].group + '/' : ''}${of[0].version}/${of[0].kind}`] = short(name)
}
const sorted = (object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)))
const out = join(dirname(fileURLToPath(import.meta.url)), '../../../src/api/schema/facts.json')
writeFileSync(out, JSON.stringify({ kinds: sorted(kinds), atomic: atomic.sort(), types: sorted(types) }, null, 1) + '\n')
