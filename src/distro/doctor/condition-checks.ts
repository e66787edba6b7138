// Checks that only the doctor makes: what runs, what is about to go wrong, and who else is on the machine.
import { day } from '../../pki/inspect.ts'
import type { Condition } from './condition.ts'
import { type Check, ok, problem, warning } from './findings.ts'

const date = (milliseconds: number) => new Date(milliseconds).toISOString().slice(0, 10)
const look = 'look at the log (journalctl -u mk8s -n 50, or /var/log/mk8s.log)'

export const conditionChecks: readonly Check<Condition>[] = [
  {
    name: 'server',
    look({ serverPid, api }) {
      if (serverPid === undefined) return ok('is not running')
      if (api?.failure) return problem(`process ${serverPid} runs, and its API does not answer (${api.failure})`, `${look}; systemctl restart mk8s, pods go on meanwhile`)
      return ok(`process ${serverPid} runs and answers`)
    },
  },
  {
    name: 'node',
    look({ isNode, api }) {
      if (!isNode || !api || api.failure) return undefined
      if (!api.ready) return problem(`node ${api.node} is not Ready`, `kubectl describe node ${api.node}; ${look}`)
      if (api.pressures.length > 0) return warning(`node ${api.node} reports ${api.pressures.join(', ')}: pods are ended to make room`, 'free disk space or memory')
      return ok(`${api.node} is Ready`)
    },
  },
  {
    name: 'running containerd',
    look({ containerd }) {
      if (!containerd) return undefined
      if (containerd.failure) return problem(`containerd does not answer (${containerd.failure})`, 'mk8s starts it again by itself; when it does not come back, look at agent/containerd.log in the data directory')
      return ok(`process ${containerd.pid} answers`)
    },
  },
  {
    name: 'rules',
    look({ missingChains }) {
      if (!missingChains) return undefined
      if (missingChains.length > 0) return problem(`the rules of services are not in the kernel (${missingChains.join(', ')}): another program has removed them`, 'systemctl restart mk8s; see that no firewall flushes iptables')
      return ok('the rules of services are in the kernel')
    },
  },
  {
    name: 'cluster DNS',
    look: ({ dns }) => (!dns ? undefined : dns.failure ? problem(`does not answer (${dns.failure})`, `${look}; systemctl restart mk8s`) : ok('answers')),
  },
  {
    name: 'database',
    look({ database }) {
      if (!database) return undefined
      if (database.failure) return problem(database.failure)
      return ok(`${(database.bytes / 1e6).toFixed(1)} MB, ${database.inUse ? 'was whole when the server started' : 'whole'}`)
    },
  },
  {
    name: 'certificates',
    look({ certificates, now }) {
      const [first] = certificates.toSorted((a, b) => a.notAfter - b.notAfter)
      if (!first) return undefined
      const [expired, soon] = [certificates.find((c) => c.notAfter < now), certificates.find((c) => c.notAfter - now < (c.isAuthority ? 365 : 30) * day)]
      if (expired) return problem(`${expired.path} has expired on ${date(expired.notAfter)}`, expired.isAuthority ? 'replace the authority: mk8s certificate rotate --help' : 'systemctl restart mk8s renews it; is the clock right?')
      if (soon) return warning(`${soon.path} expires on ${date(soon.notAfter)}`, soon.isAuthority ? 'replace the authority in time: mk8s certificate rotate --help' : 'a running server renews it by itself')
      return ok(`${certificates.length}, the first expires on ${date(first.notAfter)}`)
    },
  },
  {
    name: 'address',
    look({ address: { node, given, found, defaultRoute } }) {
      if (given) return ok(`${node}, as given with --node-ip`)
      if (found === undefined) return warning(`this machine has no IPv4 address: the node goes by that of its pod bridge, ${node}, until there is one`, 'connect the network; pods work among themselves meanwhile')
      if (!defaultRoute) return warning(`there is no default route: the node takes ${node}`, 'is that not the one: choose with --node-ip')
      return ok(`${node} on ${defaultRoute}`)
    },
  },
  {
    name: 'name servers',
    look({ nameServers: { path, addresses, ownAddresses, stub } }) {
      const own = addresses.find((address) => ownAddresses.includes(address))
      if (own) return warning(`${path} names the cluster DNS itself (${own}): a loop`, 'name the servers of your network there')
      if (addresses.length === 0) return warning(`${path} names no server: names outside the cluster cannot be resolved`, `echo "nameserver 9.9.9.9" >>${path}, or choose another file with --resolv-conf`)
      if (addresses.every((address) => address.startsWith('127.') || address === '::1')) return warning(`${path} names only ${addresses.join(', ')}, which pods with dnsPolicy Default cannot reach`, stub ? 'start the server with --resolv-conf /run/systemd/resolve/resolv.conf' : 'name the servers of your network in a file of its own and give it with --resolv-conf')
      return ok(addresses.join(', '))
    },
  },
  {
    name: 'other Kubernetes',
    look({ others, foreignKubelet }) {
      if (others.length > 0) return problem(`${others.map(({ name, pid }) => `${name} (process ${pid})`).join(', ')} runs here: two kubelets end each other's pods`, 'stop and disable it (systemctl disable --now k3s kubelet), or give mk8s a machine of its own')
      if (foreignKubelet) return warning('/var/lib/kubelet has files of another kubelet', 'remove them when that one is not used any more')
      return ok('none')
    },
  },
  {
    name: 'firewall',
    look({ firewall: { ufw, firewalld, dropping }, clusterCidr, serviceCidr }) {
      if (ufw) return warning('ufw is on: it drops what pods send to this node and to the outside', `ufw allow from ${clusterCidr}; ufw allow from ${serviceCidr}; ufw route allow from ${clusterCidr}; ufw route allow to ${clusterCidr}; ufw allow 6443/tcp`)
      if (firewalld) return warning('firewalld is on: it drops what pods send', `firewall-cmd --permanent --zone=trusted --add-source=${clusterCidr} --add-source=${serviceCidr} && firewall-cmd --reload`)
      if (dropping.length > 0) return warning(`nftables drop forwarded packets by default (${dropping.join(', ')}), also those of pods`, `accept in that chain: ip saddr ${clusterCidr} accept; ip daddr ${clusterCidr} accept`)
      return ok('none in the way')
    },
  },
  {
    name: 'NetworkManager',
    look: ({ networkManager }) => (networkManager ? warning('NetworkManager may take over the links of pods', `printf '[keyfile]\\nunmanaged-devices=interface-name:cni0;interface-name:veth*\\n' >/etc/NetworkManager/conf.d/mk8s.conf && systemctl reload NetworkManager`) : undefined),
  },
  {
    name: 'modules',
    look({ isNode, modules: { overlay, bridgeNetfilter } }) {
      if (!isNode) return undefined
      if (!overlay) return warning('the kernel has no overlay file system: images are copied for each container, which takes time and room', 'modprobe overlay')
      if (!bridgeNetfilter) return warning('the kernel has no br_netfilter: pods of this node do not reach each other through services', 'modprobe br_netfilter')
      return ok('overlay, br_netfilter')
    },
  },
  {
    name: 'limits',
    look({ limits: { inotifyInstances, inotifyWatches, openFiles } }) {
      if (inotifyInstances < 128 || inotifyWatches < 8192) return warning(`programs that watch files will fail in pods (inotify: ${inotifyInstances} instances, ${inotifyWatches} watches)`, 'sysctl -w fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=65536 (for good: in /etc/sysctl.d)')
      if (openFiles < 4096) return warning(`at most ${openFiles} files can be open at once`, 'ulimit -n 65536, or LimitNOFILE= in the unit')
      return ok(`${openFiles} open files, ${inotifyInstances} inotify instances`)
    },
  },
  { name: 'swap', look: ({ swapBytes }) => ok(swapBytes > 0 ? `${Math.round(swapBytes / 2 ** 20)} MB are on; an SD card wears out by it` : 'none') },
]
