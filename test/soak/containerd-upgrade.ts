// containerd-upgrade DIRECTORY...: containerd is upgraded under running pods, from this machine's to that of each directory (with containerd, ctr and
// containerd-shim-runc-v2) in turn: after each start the pods of before are the same processes, can be entered, read and removed, and new ones start.
// Needs root and dist/mk8s. MK8S_TEST_FLAGS='--runtime-driver ctr' is the other driver.
import { resolve } from 'node:path'
import { Box, eventually } from '../e2e/box.ts'
import { openWorkbench, shell } from '../e2e/workbench.ts'

const directories = process.argv.slice(2).map((directory) => resolve(directory))
const box = new Box()
const counting = shell('i=0; while :; do echo $i; i=$((i+1)); sleep 0.1; done')
const claims = (condition: boolean, what: string) => {
  if (!condition) throw new Error(what)
}

try {
  const bench = await openWorkbench(box)
  const version = () => box.k(['get', 'node', 'box', '-o', 'jsonpath={.status.nodeInfo.containerRuntimeVersion}'])
  const identity = (name: string) => bench.get('pod', name, '.status.containerStatuses[0].containerID}|{.status.containerStatuses[0].restartCount}|{.status.podIP')
  const startPods = async (step: number) => bench.start(
    { name: `web-${step}`, command: shell('echo page >/www/index.html; exec httpd -f -p 80 -h /www'), container: { ports: [{ containerPort: 80, hostPort: 8080 + step }], volumeMounts: [{ name: 'e', mountPath: '/www' }], livenessProbe: { exec: { command: ['true'] }, periodSeconds: 2 } }, spec: { volumes: [{ name: 'e', emptyDir: {} }] } },
    { name: `counting-${step}`, command: counting }, { name: `passing-${step}` }, { name: `terminal-${step}`, command: ['sh'], container: { stdin: true, tty: true } },
  )
  const kept = new Map<string, string>()
  const check = async (name: string) => {
    claims((await identity(name)) === kept.get(name), `${name} was ${kept.get(name)} and is ${await identity(name)}`)
    claims((await eventually(`exec in ${name}`, () => bench.exec(name, 'echo here'), 30)) === 'here\n', `exec in ${name}`)
  }
  for (const [step, directory] of [undefined, ...directories].entries()) {
    if (directory) {
      const since = performance.now()
      await box.signal('SIGTERM')
      box.environment = { PATH: `${directory}:${process.env.PATH}` }
      await box.start()
      const ready = Math.round(performance.now() - since)
      for (const name of kept.keys()) await check(name)
      for (let old = 0; old < step; old++) {
        await eventually(`the port of web-${old} answers`, () => box.inside('curl', ['-sSf', '-m', '2', `http://192.0.2.10:${8080 + old}/`]), 20)
        const lines = (await box.k(['logs', `counting-${old}`])).trimEnd().split('\n')
        claims(lines.every((line, n) => line === String(n)), `counting-${old} has lost lines`)
      }
      await box.k(['delete', 'pod', `passing-${step - 1}`, '--timeout=60s'])
      console.log(`${await version()}: after ${ready} ms the ${kept.size} containers of before are the same`)
    }
    await startPods(step)
    for (const kind of ['web', 'counting', 'terminal']) kept.set(`${kind}-${step}`, await identity(`${kind}-${step}`))
    console.log(`${await version()}: pods started`)
  }
  await box.k(['delete', 'pod', '--all', '--timeout=120s'])
  console.log('all pods were removed')
} catch (error) {
  process.exitCode = 1
  console.error(error, box.log().slice(-3000))
} finally {
  await box.close()
}
