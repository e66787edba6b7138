// What is claimed, in the order of a machine's life. Each stage begins with a running machine and leaves one.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { busyboxArchive } from '../../../src/runtime/containerd/test-image.ts'
import { until } from './guest.ts'
import { patience, type Box } from './box.ts'
import { Writer } from './writer.ts'
import { samplePods, checkCgroups } from './pods.ts'

export interface StageContext {
  box: Box
  /** Of the repository. */
  root: string
  rounds: number
}

export type Stage = (context: StageContext) => Promise<void>

/** From a bare Debian to an application: what scripts/quickstart does, without its build. */
export async function install({ box, root }: StageContext): Promise<void> {
  const { guest } = box
  box.note('boot until ssh', await box.boot())
  await guest.must(copyBinary(box))
  await guest.run('cat >/etc/systemd/system/mk8s.service', { input: readFileSync(`${root}/scripts/mk8s.service`) })
  await guest.must('systemctl daemon-reload && systemctl enable --quiet mk8s && systemctl start mk8s')
  await box.fetchKubeconfig()
  box.note('until the node is Ready', await box.untilReady())
  await box.apply(readFileSync(`${root}/samples/hello.yaml`, 'utf8'))
  await box.apply(samplePods)
  box.note('until all pods run', await box.untilPodsRun())
  box.note('until the sample application answers', await box.untilAnswers())
  await box.checkTidy()
}

const copyBinary = (box: Box) => `head -c ${box.binary().length} /dev/vdb >/usr/local/bin/mk8s.new && chmod 755 /usr/local/bin/mk8s.new && mv /usr/local/bin/mk8s.new /usr/local/bin/mk8s`

/** A disk of an earlier run, with this build. */
export async function bootAgain({ box }: StageContext): Promise<void> {
  box.note('boot until ssh', await box.boot())
  await box.guest.must(`systemctl stop mk8s && ${copyBinary(box)} && systemctl start mk8s`, 300)
  await box.fetchKubeconfig()
  box.note('until the node is Ready', await box.untilReady())
  box.note('until all pods run', await box.untilPodsRun())
}

const restarts = (box: Box): [what: string, command: string][] => [
  ['systemctl restart', 'systemctl restart mk8s'],
  ['an upgrade (stop, another binary, start)', 'systemctl stop mk8s && cp /usr/local/bin/mk8s /usr/local/bin/mk8s.new && mv /usr/local/bin/mk8s.new /usr/local/bin/mk8s && systemctl start mk8s'],
  ['systemctl kill -s KILL', 'systemctl kill -s KILL mk8s'],
  ['kill -9 of containerd', box.containerd.kill],
]

export async function restart({ box }: StageContext): Promise<void> {
  const seen = async () => (await box.pods()).map(({ name, containerId, restarts: count, ip }) => `${name} ${containerId} ${count} ${ip}`).sort().join('\n')
  for (const [what, command] of restarts(box)) {
    console.log(what)
    const before = await seen()
    const echo = (await box.pods()).find(({ name }) => name === 'besteffort')!.ip
    const connection = box.guest.run(`timeout 900 bash -c '${holdConnection(echo)}'`, { seconds: 1000 })
    await box.guest.must(command, 120)
    box.note('until exec and logs work again', await box.untilExecs('guaranteed'))
    box.note('until the node is Ready again', await box.untilReady())
    await new Promise((resolve) => setTimeout(resolve, 15_000))
    const after = await seen()
    box.check('containers, restart counts and addresses are the same', before === after, before === after ? '' : `\n${before}\n--\n${after}`)
    await box.guest.must('touch /run/enough')
    box.check('a connection of a running pod was never cut', (await connection).out.includes('whole'))
    box.check('the sample application answers', (await box.untilAnswers()) < patience)
    await box.checkTidy()
  }
  const strays = await box.guest.must('journalctl -b -o cat | grep -ci "left-over process" || true')
  box.check('systemd found nothing left over in the unit', strays.trim() === '0', strays)
}

/** One connection to the pod that echoes, in use each second until /run/enough appears. */
const holdConnection = (ip: string) =>
  `rm -f /run/enough; exec 3<>/dev/tcp/${ip}/7; while [ ! -e /run/enough ]; do echo ping >&3; read -t 60 -u 3 line && [ "$line" = ping ] || exit 1; sleep 1; done; echo whole`

export async function cgroups({ box }: StageContext): Promise<void> {
  await checkCgroups(box)
}

const reboots = Number(process.env.REBOOTS ?? 2)

export async function reboot({ box }: StageContext): Promise<void> {
  for (let round = 1; round <= reboots; round++) {
    console.log(`reboot ${round}`)
    const services = () => box.must(['get', 'services', '-A', '-o', 'jsonpath={range .items[*]}{.metadata.name}={.spec.clusterIP} {end}'])
    const before = await services()
    const farewells = async () => Number(await box.guest.must('cat /var/farewell/log 2>/dev/null | wc -l'))
    const saidBefore = await farewells()
    // not being answered is no sign: a loaded computer is slow
    const bootId = () => box.guest.run('cat /proc/sys/kernel/random/boot_id', { seconds: 90 })
    const { out: bootBefore } = await bootId()
    const begun = performance.now()
    const shown = box.guest.console().length
    await box.guest.run('systemctl reboot', { seconds: 60 })
    await until('another boot', patience, async () => {
      const { code, out } = await bootId()
      return code === 0 && out !== bootBefore
    })
    box.note('systemctl reboot until ssh', (performance.now() - begun) / 1000)
    box.note('until the node is Ready', await box.untilReady())
    box.note('until all pods run', await box.untilPodsRun())
    box.note('until the sample application answers', await box.untilAnswers())
    box.check('Services have the same addresses', before === (await services()))
    const down = await box.guest.must('journalctl -b -1 -u mk8s -o short-monotonic | tail -8')
    const [stopping, stopped] = ['the machine goes down', 'mk8s has stopped'].map((text) => Number(new RegExp(`\\[\\s*([\\d.]+)\\].*${text}`).exec(down)?.[1] ?? NaN))
    box.check('pods ended with the machine', stopping !== undefined && stopping > 0, down.split('\n').at(-1))
    box.note('mk8s took to stop', (stopped ?? NaN) - (stopping ?? NaN))
    const said = (await farewells()) - saidBefore
    box.check('a pod got SIGTERM, once, and had time to write its farewell', said === 1, String(said))
    const timeouts = await box.guest.must('journalctl -b -1 -o cat | grep -ciE "timed out|SIGKILL" || true')
    box.check('systemd waited for nothing', timeouts.trim() === '0', timeouts.trim())
    // what the journal has not heard of any more
    const waited = box.guest.console().slice(shown).split('\n').filter((line) => line.includes('Waiting for process'))
    box.check('its last step found no container', waited.length === 0, waited.join(' '))
    await box.checkTidy()
  }
}

/** Power is cut while objects are written, pods come and go and images are imported. */
export async function power({ box, rounds }: StageContext): Promise<void> {
  const writer = new Writer(box.guest.options.apiPort, box.kubeconfig)
  for (let round = 1; round <= rounds; round++) {
    const acknowledgedBefore = writer.acknowledged
    const writing = writer.start()
    const churn = [box.kubectl(['scale', 'deployment/hello', `--replicas=${2 + (round % 2)}`]), box.kubectl(['rollout', 'restart', 'deployment/hello'])]
    const image = `mk8s.io/fresh:${round}`
    const imported = await box.guest.run('cat >/root/fresh.tar && mk8s images import /root/fresh.tar', { input: freshImage(image), seconds: 300 })
    if (imported.code === 0) churn.push(box.kubectl(['run', `fresh-${round}`, `--image=${image}`, '--image-pull-policy=Never', '--', 'sh', '-c', 'sleep 1000000']))
    // some cuts come at once: then nothing of the image has reached the disk by itself
    const wait = round % 2 === 0 ? Math.random() * 3 : Math.random() * 30
    await new Promise((resolve) => setTimeout(resolve, wait * 1000))
    await until('something to lose', patience, async () => writer.acknowledged > acknowledgedBefore)
    await box.guest.cutPower()
    writer.stop()
    await Promise.all([writing, ...churn])
    console.log(`power cut ${round}, ${wait.toFixed(0)} s after an image was imported`)
    const booted = await box.boot()
    const ready = await box.untilReady()
    const { acknowledged, missing, revision, newest, next } = await insist(() => writer.verify())
    box.check(`all ${acknowledged} acknowledged objects are there`, missing.length === 0, missing.slice(0, 5).join(', '))
    box.check('revisions went on', revision >= newest && next > newest, `${newest} acknowledged, ${revision} after the cut, ${next} the next`)
    const doubted = await box.guest.must('journalctl -b -u mk8s -o cat | grep -c "unpacked anew" || true')
    console.log(`       unpacked layers were ${doubted === '0' ? 'trusted' : 'removed'}`)
    if (imported.code === 0) await box.kubectl(['run', `again-${round}`, `--image=${image}`, '--image-pull-policy=Never', '--', 'sh', '-c', 'sleep 1000000'])
    const run = await box.untilPodsRun().then((seconds) => ({ seconds, why: '' }), (error: Error) => ({ seconds: NaN, why: error.message }))
    box.check('all pods run again', run.why === '', run.why)
    box.check('the sample application answers', await box.untilAnswers().then(() => true, () => false))
    for (const pod of (await box.pods('app=hello')).slice(0, 1)) {
      const files = await box.kubectl(['exec', pod.name, '--', 'sh', '-c', 'cat /etc/resolv.conf /etc/hosts /etc/hostname /www/index.html'], { seconds: 60 })
      box.check("a pod's own files are whole", files.out.includes('nameserver') && files.out.includes(pod.ip) && files.out.includes(pod.name) && files.out.includes('hello from mk8s'), files.out.slice(0, 200))
    }
    await box.checkTidy()
    await box.kubectl(['delete', 'pod', `fresh-${round}`, `again-${round}`, '--ignore-not-found', '--grace-period=1'], { seconds: 300 })
    console.log(`       boot ${booted.toFixed(0)} s, Ready ${ready.toFixed(0)} s, pods ${run.seconds.toFixed(0)} s`)
  }
}

/** An image whose layer was never seen before: a program may have anything behind its end. */
const freshImage = (name: string): Buffer => busyboxArchive(name, Buffer.concat([readFileSync('/bin/busybox'), randomBytes(1 << 20)]))

async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt === 5) throw error
      await new Promise((resolve) => setTimeout(resolve, 5000))
    }
  }
}

interface WrongClock {
  what: string
  clock: string
  kernelArguments?: string
}

const wrongClocks = (): WrongClock[] => [
  { what: '1970', clock: '1970-01-02T00:00:00', kernelArguments: `systemd.clock_usec=${86_400_000_000}` },
  { what: 'ten years ahead', clock: `${new Date().getUTCFullYear() + 10}-06-01T00:00:00` },
  { what: '1970, of which systemd makes the day when it was built', clock: '1970-01-02T00:00:00' },
]

/** The machine's clock is wrong at power-on and put right later, as when the network comes late. */
export async function clock({ box }: StageContext): Promise<void> {
  const seen = async () => (await box.pods()).map(({ name, containerId, restarts: count, ip }) => `${name} ${containerId} ${count} ${ip}`).sort().join('\n')
  for (const { what, clock: wrong, kernelArguments } of wrongClocks()) {
    console.log(what)
    await box.guest.shutDown()
    Object.assign(box.guest.options, { clock: wrong, kernelArguments })
    await box.boot()
    console.log(`       ${await box.guest.must('date -u')}`)
    box.note('until the node is Ready', await box.untilReady())
    box.note('until all pods run', await box.untilPodsRun())
    await box.checkPodAccess('with the wrong time')
    await box.must(['run', 'made', '--image=mk8s.io/busybox:1', '--image-pull-policy=Never', '--', 'sh', '-c', 'echo here; sleep 1000000'])
    box.note('until a new pod runs', await box.untilPodsRun())
    const before = await seen()
    await box.guest.must(`date -u -s @${Math.floor(Date.now() / 1000)}`)
    box.note('exec and logs with the right time', await box.untilExecs('made'))
    await new Promise((resolve) => setTimeout(resolve, 60_000))
    const after = await seen()
    box.check('containers, restart counts and addresses are the same', before === after, before === after ? '' : `\n${before}\n--\n${after}`)
    box.check('all pods run', await box.untilPodsRun().then(() => true, () => false))
    box.check('the sample application answers', await box.untilAnswers().then(() => true, () => false))
    const ready = (await box.must(['get', 'node', 'box', '-o', 'jsonpath={.status.conditions[?(@.type=="Ready")]} {.spec.taints}'])).trim()
    box.check('the node is Ready and has no taint', ready.includes('"status":"True"') && !ready.includes('unreachable'), ready)
    await box.checkPodAccess('with the right time')
    await box.must(['delete', 'pod', 'made', '--grace-period=1'], { seconds: 300 })
    const certificate = await box.guest.must('curl -skv https://127.0.0.1:6443/healthz 2>&1 | grep -E "start date|expire date"')
    console.log(certificate.replace(/^\*/gm, '      '))
    await box.guest.must('systemctl restart mk8s')
    box.note('until Ready after a restart with the right time', await box.untilReady())
    box.check('a client that checks the certificate gets in', (await box.kubectl(['get', 'nodes'])).code === 0)
    await box.checkTidy()
  }
  Object.assign(box.guest.options, { clock: undefined, kernelArguments: undefined })
}

/** The other driver, on the distribution's containerd as Docker's packages ship it: a unit of its own, without CRI. */
export async function ctr(context: StageContext): Promise<void> {
  const { box } = context
  await box.guest.must('mk8s killall', 300)
  await box.guest.must(`mkdir -p /etc/containerd /etc/mk8s && echo 'disabled_plugins = ["cri"]' >/etc/containerd/config.toml && systemctl enable --quiet containerd && systemctl restart containerd`)
  await box.guest.must(`printf 'runtime-driver: ctr\ncontainer-runtime-endpoint: /run/containerd/containerd.sock\n' >/etc/mk8s/config.yaml && systemctl start mk8s`)
  box.containerd = { socket: '/run/containerd/containerd.sock', kill: 'systemctl kill -s KILL --kill-who=main containerd', keepsResults: false }
  box.note('until the node is Ready', await box.untilReady())
  await box.guest.must('mk8s images import /var/lib/mk8s/agent/images/busybox.tar')
  box.note('until all pods run', await box.untilPodsRun())
  box.note('until the sample application answers', await box.untilAnswers())
  box.note('exec and logs', await box.untilExecs('guaranteed'))
  await box.checkTidy()
  for (const stage of [cgroups, reboot, restart]) await stage(context)
}
