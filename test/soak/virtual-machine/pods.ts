// One pod of each quality of service, and what the kernel is told about each.
import { until } from './guest.ts'
import { patience, type Box } from './box.ts'

const pod = (name: string, script: string, resources: string, more = '') => `---
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  terminationGracePeriodSeconds: 10
  volumes: [{name: farewell, hostPath: {path: /var/farewell, type: DirectoryOrCreate}}]
  containers:
  - name: c
    image: mk8s.io/busybox:1
    command: [sh, -c, '${script}']
    volumeMounts: [{name: farewell, mountPath: /farewell}]
    resources: ${resources}
${more}`

export const samplePods = [
  // on SIGTERM it writes a line that outlives the machine
  pod('guaranteed', 'trap "echo farewell >>/farewell/log; exit 0" TERM; echo here; while :; do sleep 1; done', '{requests: {cpu: 100m, memory: 32Mi}, limits: {cpu: 100m, memory: 32Mi}}'),
  // its first process does not listen to SIGTERM: it must not hold up a shut-down
  pod('burstable', 'echo here; sleep 1000000', '{requests: {cpu: 100m, memory: 16Mi}, limits: {cpu: 200m, memory: 64Mi}}', '    readinessProbe: {exec: {command: [cat, /etc/hosts]}, periodSeconds: 10, timeoutSeconds: 20}\n'),
  pod('besteffort', 'echo here; nc -ll -p 7 -e cat', '{}'),
].join('')

const outOfMemory = pod('oom', 'tail /dev/zero; echo survived; sleep 5', '{limits: {memory: 20Mi}}', '  restartPolicy: Never\n')

interface Wanted {
  pod: string
  folder: string
  files: Record<string, string>
}

const wanted: readonly Wanted[] = [
  { pod: 'guaranteed', folder: 'kubepods', files: { 'cpu.max': '10000 100000', 'memory.max': String(32 << 20), 'cpu.weight': '4' } },
  { pod: 'burstable', folder: 'kubepods/burstable', files: { 'cpu.max': '20000 100000', 'memory.max': String(64 << 20), 'cpu.weight': '4' } },
  { pod: 'besteffort', folder: 'kubepods/besteffort', files: { 'cpu.max': 'max 100000', 'memory.max': 'max', 'cpu.weight': '1' } },
]

export async function checkCgroups(box: Box): Promise<void> {
  await checkFiles(box, 'limits and weights of pods and containers', wanted)
  console.log('systemctl daemon-reload and daemon-reexec')
  await box.guest.must('systemctl daemon-reload; systemctl daemon-reexec; sleep 5; systemctl is-active mk8s')
  await checkFiles(box, 'systemd changes nothing of it', wanted)

  const burstable = (await box.guest.must('cat /sys/fs/cgroup/kubepods/burstable/pod*/cpu.weight')).split('\n').reduce((sum, weight) => sum + Number(weight), 0)
  box.check('the burstable class weighs what its pods do', Number(await box.guest.must('cat /sys/fs/cgroup/kubepods/burstable/cpu.weight')) === burstable, String(burstable))
  box.check('the best-effort class weighs least', (await box.guest.must('cat /sys/fs/cgroup/kubepods/besteffort/cpu.weight')) === '1')
  const unit = await box.guest.must('cat /sys/fs/cgroup/system.slice/mk8s.service/cgroup.procs')
  box.check('the unit holds one process', unit.split('\n').length === 1, unit.replaceAll('\n', ' '))

  // a machine that was booted again has started it again
  const restarts = async () => (await box.pods()).find(({ name }) => name === 'burstable')?.restarts
  const before = await restarts()
  await box.must(['patch', 'pod', 'burstable', '--subresource', 'resize', '-p', '{"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"150m"},"limits":{"cpu":"300m","memory":"80Mi"}}}]}}'])
  const resized = [{ pod: 'burstable', folder: 'kubepods/burstable', files: { 'cpu.max': '30000 100000', 'memory.max': String(80 << 20), 'cpu.weight': '6' } }]
  const seconds = await until('the resize', patience, async () => (await mismatches(box, resized)).length === 0).catch(() => NaN)
  await checkFiles(box, `resized in place after ${seconds.toFixed(0)} s`, resized)
  box.check('without a restart', (await restarts()) === before)

  await box.must(['delete', 'pod', 'oom', '--ignore-not-found'], { seconds: 300 })
  await box.apply(outOfMemory)
  await until('the out-of-memory pod ends', patience, async () => ['Failed', 'Succeeded'].includes((await box.must(['get', 'pod', 'oom', '-o', 'jsonpath={.status.phase}'])).trim()))
  const end = await box.must(['get', 'pod', 'oom', '-o', 'jsonpath={.status.phase} {.status.containerStatuses[0].state.terminated.reason} {.status.containerStatuses[0].state.terminated.exitCode}'])
  box.check('a container out of memory dies as a whole and says so', end.trim() === 'Failed OOMKilled 137', end.trim())
  await box.must(['delete', 'pod', 'oom'], { seconds: 300 })

  const summary = JSON.parse(await box.must(['get', '--raw', '/api/v1/nodes/box/proxy/stats/summary'])) as Summary
  const stats = summary.pods.find(({ podRef }) => podRef.name === 'guaranteed')?.containers[0]
  box.check('statistics tell CPU and memory of a container', (stats?.cpu.usageCoreNanoSeconds ?? 0) > 1e6 && (stats?.memory.workingSetBytes ?? 0) > 10_000, JSON.stringify(stats))
  await box.checkTidy()
}

interface Summary {
  pods: { podRef: { name: string }; containers: { cpu: { usageCoreNanoSeconds: number }; memory: { workingSetBytes: number } }[] }[]
}

async function checkFiles(box: Box, claim: string, all: readonly Wanted[]): Promise<void> {
  const wrong = await mismatches(box, all)
  box.check(claim, wrong.length === 0, wrong.join('; '))
}

async function mismatches(box: Box, all: readonly Wanted[]): Promise<string[]> {
  const wrong: string[] = []
  for (const { pod: name, folder, files } of all) {
    const uid = (await box.must(['get', 'pod', name, '-o', 'jsonpath={.metadata.uid}'])).trim()
    const container = (await box.pods()).find((seen) => seen.name === name)!.containerId
    for (const at of [`${folder}/pod${uid}`, `${folder}/pod${uid}/${container}`]) {
      for (const [file, value] of Object.entries(files)) {
        const found = await box.guest.must(`cat /sys/fs/cgroup/${at}/${file}`)
        if (found !== value) wrong.push(`${at.split('/').length > 3 ? 'container' : 'pod'} ${name} ${file}: ${found}, not ${value}`)
      }
    }
    const group = await box.guest.must(`cat /sys/fs/cgroup/${folder}/pod${uid}/${container}/memory.oom.group`)
    if (group !== '1') wrong.push(`container ${name} memory.oom.group: ${group}`)
  }
  return wrong
}
