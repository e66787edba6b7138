import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { addressesOf, attach, check, detach, readNetworkConfiguration, type CniAttachment } from './plugins.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mk8s-cni-'))
  // Each call is a line: command, name of the plug-in, what it was told.
  for (const type of ['first', 'second']) {
    const answer = type === 'first' ? '{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.5/24"},{"address":"fd00::5/64"}]}' : '{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.5/24"}],"extra":true}'
    writeFileSync(join(directory, type), `#!/bin/sh
echo "$CNI_COMMAND ${type} $CNI_CONTAINERID $CNI_NETNS $CNI_IFNAME $CNI_ARGS $(cat)" >> ${directory}/calls
[ ! -e ${directory}/${type}.fails ] || { echo '{"code":11,"msg":"no more addresses","details":"try later"}'; exit 1; }
[ $CNI_COMMAND != ADD ] || echo '${answer}'
`, { mode: 0o755 })
  }
  writeFileSync(join(directory, '10-net.conflist'), JSON.stringify({ cniVersion: '1.0.0', name: 'net', plugins: [{ type: 'first', mtu: 1400 }, { type: 'second', capabilities: { portMappings: true } }] }))
  writeFileSync(join(directory, '20-other.conf'), JSON.stringify({ cniVersion: '1.0.0', name: 'other', type: 'first' }))
})
afterEach(() => rmSync(directory, { recursive: true }))

const calls = () => readFileSync(join(directory, 'calls'), 'utf8').trim().split('\n').map((line) => /^(\w+) (\w+) (.*?) (\{.*)$/.exec(line)!).map(([, command, plugin, told, input]) => ({ command, plugin, told, input: JSON.parse(input!) as Record<string, unknown> }))

async function planned(): Promise<CniAttachment> {
  const portMappings = [{ hostPort: 80, containerPort: 8080, protocol: 'tcp', hostIP: '' }]
  return { configuration: (await readNetworkConfiguration(directory))!, containerId: 'c1', namespacePath: '/ns', interfaceName: 'eth0', args: { K8S_POD_NAME: 'web' }, capabilities: { portMappings } }
}

it('adds plug-in by plug-in, each with the result before it, and undoes in reverse with the last one', async () => {
  const attached = await attach(await planned(), directory)
  expect(addressesOf(attached)).toEqual(['10.0.0.5'])
  await check(attached, directory)
  await detach(JSON.parse(JSON.stringify(attached)) as CniAttachment, directory)
  const [first, second, ...later] = calls()
  expect(first).toEqual({ command: 'ADD', plugin: 'first', told: 'c1 /ns eth0 IgnoreUnknown=1;K8S_POD_NAME=web', input: { type: 'first', mtu: 1400, cniVersion: '1.0.0', name: 'net' } })
  expect(second!.input).toMatchObject({ runtimeConfig: { portMappings: [{ hostPort: 80, containerPort: 8080 }] }, prevResult: { ips: [{ address: '10.0.0.5/24' }, { address: 'fd00::5/64' }] } })
  expect(later.map(({ command, plugin, input }) => [command, plugin, (input.prevResult as { extra?: boolean }).extra])).toEqual([['CHECK', 'first', true], ['CHECK', 'second', true], ['DEL', 'second', true], ['DEL', 'first', true]])
})

it('says why a plug-in refuses, and which one is missing', async () => {
  writeFileSync(join(directory, 'second.fails'), '')
  await expect(attach(await planned(), directory)).rejects.toThrow('plugin type="second" failed (add): no more addresses; try later')
  rmSync(join(directory, 'second'))
  await expect(attach(await planned(), directory)).rejects.toThrow(`failed to find plugin "second" in path [${directory}]`)
})

it('takes the first configuration, also one without a list', async () => {
  rmSync(join(directory, '10-net.conflist'))
  expect(await readNetworkConfiguration(directory)).toMatchObject({ name: 'other', plugins: [{ type: 'first' }] })
  rmSync(join(directory, '20-other.conf'))
  expect(await readNetworkConfiguration(directory)).toBeUndefined()
})
