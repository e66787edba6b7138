// The binary itself: what it says about itself, and one clear line for what is wrong.
import { createServer } from 'node:net'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { binary, must, run } from './box.ts'

const directory = mkdtempSync(join(tmpdir(), 'mk8s-start-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('--version and --help', async () => {
  expect(await must(binary, ['--version'])).toMatch(/^mk8s \d+\.\d+\.\d+ \(Kubernetes v1\.36\.\d+, Node 26\.[\d.]+\)\n$/)
  const help = await must(binary, ['server', '--help'])
  for (const flag of ['--data-dir', '--write-kubeconfig-mode', '--service-node-port-range', '--disable-agent', 'MK8S_NODE_NAME']) expect(help).toContain(flag)
  for (const shell of ['bash', 'zsh', 'fish']) expect(await must(binary, ['completion', shell])).toContain('killall')
})

test.each<[string, string[], string]>([
  ['an unknown flag', ['server', '--no-such-flag'], "mk8s: unknown option '--no-such-flag'"],
  ['an invalid value', ['server', '--https-listen-port', 'x'], 'mk8s: --https-listen-port: "x" is not a port (1-65535)'],
  ['a setting of the kubelet that means nothing', ['server', '--kubelet-arg', 'cpu-manager-policy=static'], 'mk8s: --kubelet-arg: "cpu-manager-policy" has no meaning here; what can be set is container-log-max-files,'],
  ['ranges that overlap', ['server', '--service-cidr', '10.42.0.0/16'], 'mk8s: --service-cidr: 10.42.0.0/16 overlaps --cluster-cidr 10.42.0.0/16'],
  ['a configuration file that is not there', ['server', '--config', '/no/such/file'], 'mk8s: --config: /no/such/file does not exist'],
  ['an unknown command', ['serve'], "mk8s: unknown command 'serve'"],
  ['an unknown shell', ['completion', 'tcsh'], 'mk8s: "tcsh" is not a shell this can complete for: bash, zsh or fish'],
  ['joining', ['agent', '--join', 'https://box:6443'], 'mk8s: joining a server from another machine is not implemented yet'],
  ['images without a server', ['images', 'list', '--data-dir', join(directory, 'none')], 'mk8s: there is no containerd at'],
])('%s is one line and exit code 1', async (_name, args, line) => {
  const { code, stdout, stderr } = await run(binary, args)
  expect(stderr.startsWith(line), stderr).toBe(true)
  expect(stdout).toBe('')
  expect(stderr.trim().split('\n').filter((l) => !l.startsWith('(Did you mean'))).toHaveLength(1)
  expect(code).toBe(1)
})

test('a configuration file with an unknown option', async () => {
  const config = join(directory, 'config.yaml')
  writeFileSync(config, 'no-such-option: 1\n')
  expect((await run(binary, ['server', '--config', config])).stderr).toBe(`mk8s: ${config}: "no-such-option" is not an option\n`)
})

test('not root', async () => {
  const { code, stderr } = await run('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', binary, 'server', '--data-dir', join(directory, 'nobody')])
  expect(stderr).toContain('mk8s: the server must run as root')
  expect(code).toBe(1)
})

test('a machine that can mount and not unmount is left as it is', async () => {
  const flags = ['--data-dir', join(directory, 'mountless'), '--config', '/dev/null', '--write-kubeconfig', join(directory, 'k.yaml')]
  const script = 'mount --bind /dev/null "$(command -v umount)" && "$@"; code=$?; cat /proc/self/mounts; exit $code'
  const { code, stdout, stderr } = await run('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', binary, 'server', ...flags])
  expect(stderr.trim().split('\n').at(-1)).toBe('mk8s: umount is missing: install it (Debian: apt-get install mount)')
  expect(stdout).toContain('/umount')
  expect(stdout).not.toContain(directory)
  expect(existsSync(join(directory, 'mountless'))).toBe(false)
  expect(code).toBe(1)
})

test('a port that is taken', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const flags = ['--data-dir', join(directory, 'taken'), '--config', '/dev/null', '--write-kubeconfig', join(directory, 'k.yaml'), '--bind-address', '127.0.0.1', '--disable-agent']
  const { code, stderr } = await run(binary, ['server', ...flags, '--https-listen-port', String(port)])
  server.close()
  expect(stderr.trim().split('\n').at(-1)).toContain(`port ${port} is taken`)
  expect(code).toBe(1)
})
