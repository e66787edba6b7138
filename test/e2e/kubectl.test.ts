// Everyday kubectl against a box without pods to run: every verb that needs the API alone.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Box, eventually, kubectl, kubectlMinor } from './box.ts'

vi.setConfig({ testTimeout: 120_000 })
const box = new Box(['--disable-agent'])
beforeAll(async () => {
  await box.open()
  await box.startApi()
}, 120_000)
afterAll(() => box.close(), 60_000)

const configMap = (name: string, data: Record<string, string> = { a: '1' }, more = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...more }, data })
const deployment = (name: string, replicas = 1) => ({
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, labels: { app: name } },
  spec: { replicas, selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'web', image: 'mk8s.io/busybox:1' }] } } },
})

describe('looking at the server', () => {
  test('health, version, metrics, OpenAPI', async () => {
    for (const path of ['/healthz', '/livez', '/readyz']) expect(await box.k(['get', '--raw', path])).toBe('ok')
    expect(await box.k(['get', '--raw', '/readyz?verbose'])).toContain('[+]ping ok')
    expect(JSON.parse(await box.k(['get', '--raw', '/version']))).toMatchObject({ major: '1', minor: '36' })
    expect(await box.k(['get', '--raw', '/metrics'])).toContain('apiserver_request_total')
    expect(JSON.parse(await box.k(['get', '--raw', '/openapi/v3'])).paths).toHaveProperty('api/v1')
    expect(await box.k(['version'])).toMatch(/Server Version: .*v1\.36/)
  })
  test('api-resources, api-versions, explain', async () => {
    const resources = await box.k(['api-resources'])
    for (const line of [/^pods +po +v1 +true +Pod$/m, /^deployments +deploy +apps\/v1 +true +Deployment$/m, /^clusterroles +rbac.authorization.k8s.io\/v1 +false +ClusterRole$/m]) expect(resources).toMatch(line)
    expect(await box.k(['api-versions'])).toContain('networking.k8s.io/v1')
    expect(await box.k(['explain', 'pod.spec.containers.livenessProbe.httpGet'])).toMatch(/port\s+<(IntOrString|string)> -required-/)
  })
  test.runIf(kubectlMinor >= 27)('explain tells the text of a type once, where it is a field and where it stands alone', async () => {
    expect(await box.k(['explain', 'pod.spec.containers'])).toMatch(/List of containers belonging to the pod[^]*A single application container/)
    expect((await box.k(['explain', 'pod.spec'])).match(/PodSpec is a description of a pod/g)).toHaveLength(1)
    expect(await box.k(['explain', 'pod'])).toMatch(/spec\t<PodSpec>\n +PodSpec is a description of a pod/)
    expect(await box.k(['explain', 'pod.spec.containers.livenessProbe'])).toMatch(/exec\t<ExecAction>\n +ExecAction/)
  })
  test('who may what', async () => {
    expect((await box.k(['auth', 'can-i', 'create', 'pods'])).trim()).toBe('yes')
    const { stdout, code } = await box.kubectl(['auth', 'can-i', 'create', 'pods', '--as', 'system:serviceaccount:default:default'])
    expect([stdout.trim(), code]).toEqual(['no', 1])
  })
  test.runIf(kubectlMinor >= 28)('who I am; a short-lived token', async () => {
    expect(await box.k(['auth', 'whoami'])).toContain('system:masters')
    const token = (await box.k(['create', 'token', 'default', '--duration=1h'])).trim()
    const byToken = ['--kubeconfig', '/dev/null', '--server', 'https://127.0.0.1:6443', '--insecure-skip-tls-verify', '--token', token]
    expect(await box.inside(kubectl, [...byToken, 'auth', 'whoami'])).toContain('system:serviceaccount:default:default')
  })
})

describe('objects', () => {
  test('create, get in every shape, delete', async () => {
    await box.apply(configMap('shapes', { a: '1', b: '2' }, { labels: { team: 'x' } }))
    expect(await box.k(['get', 'configmap', 'shapes'])).toMatch(/^NAME +DATA +AGE\nshapes +2 +\d+s\n$/)
    expect(await box.k(['get', 'cm', 'shapes', '-o', 'jsonpath={.data.a}'])).toBe('1')
    expect(await box.k(['get', 'cm', 'shapes', '-o', 'custom-columns=N:.metadata.name,B:.data.b'])).toMatch(/shapes +2/)
    expect(await box.k(['get', 'cm', '-l', 'team=x', '-o', 'name'])).toBe('configmap/shapes\n')
    expect(await box.k(['get', 'cm', '--field-selector', 'metadata.name=shapes', '-o', 'name'])).toBe('configmap/shapes\n')
    expect(await box.k(['get', 'cm', '-A', '--chunk-size=2', '--sort-by=.metadata.name'])).toContain('kube-root-ca.crt')
    expect(await box.k(['describe', 'cm', 'shapes'])).toContain('b:')
    expect(await box.k(['delete', 'cm', 'shapes'])).toMatch(/^configmap "shapes" deleted/)
    expect((await box.kubectl(['get', 'cm', 'shapes'])).stderr).toBe('Error from server (NotFound): configmaps "shapes" not found\n')
  })
  test('apply on the client and on the server, diff, edit by patch, replace', async () => {
    expect(await box.apply(configMap('applied'))).toBe('configmap/applied created\n')
    expect(await box.apply(configMap('applied'))).toBe('configmap/applied unchanged\n')
    expect(await box.apply(configMap('applied', { b: '2' }))).toBe('configmap/applied configured\n')
    expect(await box.k(['get', 'cm', 'applied', '-o', 'jsonpath={.data}'])).toBe('{"b":"2"}')
    const diff = await box.kubectl(['diff', '-f', '-'], { input: JSON.stringify(configMap('applied', { b: '3' })) })
    expect([diff.code, diff.stdout.includes('+  b: "3"')]).toEqual([1, true])
    await box.k(['apply', '--server-side', '--field-manager=one', '-f', '-'], { input: JSON.stringify(configMap('shared', { a: '1' })) })
    const other = await box.kubectl(['apply', '--server-side', '--field-manager=two', '-f', '-'], { input: JSON.stringify(configMap('shared', { a: '2' })) })
    expect(other.stderr).toContain('Apply failed with 1 conflict: conflict with "one": .data.a')
    await box.k(['apply', '--server-side', '--force-conflicts', '--field-manager=two', '-f', '-'], { input: JSON.stringify(configMap('shared', { a: '2' })) })
    await box.k(['patch', 'cm', 'shared', '--type=json', '-p', '[{"op":"add","path":"/data/j","value":"1"}]'])
    await box.k(['patch', 'cm', 'shared', '--type=merge', '-p', '{"data":{"m":"1"}}'])
    await box.k(['patch', 'cm', 'shared', '-p', '{"data":{"s":"1"}}'])
    expect(JSON.parse(await box.k(['get', 'cm', 'shared', '-o', 'jsonpath={.data}']))).toEqual({ a: '2', j: '1', m: '1', s: '1' })
    await box.k(['replace', '-f', '-'], { input: JSON.stringify(configMap('shared', { r: '1' })) })
    await box.k(['label', 'cm', 'shared', 'x=y'])
    await box.k(['annotate', 'cm', 'shared', 'note=here'])
    expect(await box.k(['get', 'cm', 'shared', '--show-labels'])).toContain('x=y')
    const edit = await box.kubectl(['edit', 'cm', 'shared'], { env: { ...process.env, EDITOR: "sed -i s/r:.*/r:\\ \\'7\\'/" } })
    expect(edit.stderr + edit.stdout).toContain('edited')
    expect(await box.k(['get', 'cm', 'shared', '-o', 'jsonpath={.data.r}'])).toBe('7')
  })
  test('strategic patch merges lists by key; set image and env; scale; autoscale', async () => {
    await box.apply(deployment('lists', 0))
    await box.k(['patch', 'deployment', 'lists', '-p', '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"x"}]}}}}'])
    expect(await box.k(['get', 'deploy', 'lists', '-o', 'jsonpath={.spec.template.spec.containers[*].name}'])).toBe('side web')
    await box.k(['set', 'image', 'deployment/lists', 'web=mk8s.io/busybox:2'])
    await box.k(['set', 'env', 'deployment/lists', 'A=b', '-c', 'web'])
    expect(await box.k(['get', 'deploy', 'lists', '-o', 'jsonpath={.spec.template.spec.containers[?(@.name=="web")].image}'])).toBe('mk8s.io/busybox:2')
    await box.k(['scale', 'deployment', 'lists', '--replicas=3'])
    expect(await box.k(['get', 'deploy', 'lists', '-o', 'jsonpath={.spec.replicas}'])).toBe('3')
    const autoscaled = await box.kubectl(['autoscale', 'deployment', 'lists', '--max=5', '--cpu-percent=50'])
    expect(autoscaled.code, autoscaled.stderr).toBe(0)
    expect(autoscaled.stderr).toContain('Warning:')
    expect(await box.k(['get', 'hpa', 'lists'])).toContain('Deployment/lists')
    await box.k(['delete', 'deployment/lists', 'hpa/lists'])
  })
  test('kustomize, create generators, expose, events, wait', async () => {
    await box.k(['create', 'namespace', 'made'])
    await box.k(['create', 'secret', 'generic', 's', '-n', 'made', '--from-literal=k=v'])
    expect(await box.k(['get', 'secret', 's', '-n', 'made', '-o', 'jsonpath={.data.k}'])).toBe('dg==')
    await box.k(['create', 'deployment', 'web', '-n', 'made', '--image=x', '--replicas=0', '--port=80'])
    await box.k(['expose', 'deployment', 'web', '-n', 'made', '--port=80'])
    expect(await box.k(['get', 'service', 'web', '-n', 'made', '-o', 'jsonpath={.spec.clusterIP}'])).toMatch(/^10\.43\./)
    await box.k(['wait', '-n', 'made', 'deployment/web', '--for=condition=Available', '--timeout=30s'])
    await box.k(['delete', 'namespace', 'made', '--timeout=60s'])
    expect((await box.kubectl(['get', 'namespace', 'made'])).stderr).toContain('not found')
  })
  test('watch', async () => {
    const watching = box.startKubectl(['get', 'cm', '-w', '--field-selector=metadata.name=seen', '-o', 'name'])
    await box.apply(configMap('seen'))
    await eventually('the watch tells of it', async () => watching.output.includes('configmap/seen'))
    watching.stop()
  })
})

describe('what is refused', () => {
  test.each<[string, unknown, string[], string]>([
    ['an invalid name', configMap('Not_A_Name'), [], 'The ConfigMap "Not_A_Name" is invalid: metadata.name: Invalid value: "Not_A_Name": a lowercase RFC 1123 subdomain must consist of'],
    ['an unknown field', { ...configMap('u'), dta: {} }, ['--validate=true'], 'unknown field "dta"'],
    ['a wrong type', { ...configMap('u'), data: { a: 1 } }, ['--validate=false'], 'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string'],
    ['a missing namespace', configMap('u', {}, { namespace: 'none' }), [], 'namespaces "none" not found'],
    ['an immutable selector', { ...deployment('x'), spec: { ...deployment('x').spec, selector: { matchLabels: { app: 'y' } } } }, [], '`selector` does not match template `labels`'],
    ['a body over 3 MB', configMap('u', { a: 'x'.repeat(3_200_000) }), ['--server-side'], 'Request entity too large'],
  ])('%s', async (_name, manifest, flags, message) => {
    const { code, stderr } = await box.kubectl(['apply', ...flags, '-f', '-'], { input: JSON.stringify(manifest) })
    expect(stderr).toContain(message)
    expect(code).toBe(1)
  })
  test('a service account can do what RBAC grants it', async () => {
    const as = ['--as', 'system:serviceaccount:default:default']
    expect((await box.kubectl(['get', 'pods', ...as])).stderr).toBe(
      'Error from server (Forbidden): pods is forbidden: User "system:serviceaccount:default:default" cannot list resource "pods" in API group "" in the namespace "default"\n')
    await box.k(['create', 'rolebinding', 'view', '--clusterrole=view', '--serviceaccount=default:default'])
    expect((await box.kubectl(['get', 'pods', ...as])).code).toBe(0)
  })
})
