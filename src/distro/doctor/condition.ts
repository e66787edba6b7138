// What only the doctor looks at: a server that runs or has run, and what else lives on the machine.

export interface Condition {
  isNode: boolean
  now: number
  /** Of the server of this data directory. */
  serverPid?: number
  /** What its API says: the node's conditions that are not as they should be, or why there is no answer. Undefined without a server. */
  api?: { failure?: string; node?: string; ready?: boolean; pressures: readonly string[] }
  /** Undefined where none is to run. */
  containerd?: { pid?: number; failure?: string }
  /** Chains that should be in the kernel and are not. Undefined without a running node. */
  missingChains?: readonly string[]
  dns?: { failure?: string }
  database?: { path: string; bytes: number; failure?: string; inUse: boolean }
  certificates: readonly { path: string; isAuthority: boolean; notAfter: number }[]
  address: { node: string; given: boolean; found?: string; defaultRoute?: string }
  /** `stub`: systemd-resolved keeps the real servers in a file of its own. */
  nameServers: { path: string; addresses: readonly string[]; ownAddresses: readonly string[]; stub: boolean }
  /** Other Kubernetes: name of the process, and its pid. */
  others: readonly { name: string; pid: number }[]
  /** Files in the kubelet's directory that are not ours. */
  foreignKubelet: boolean
  firewall: { ufw: boolean; firewalld: boolean; dropping: readonly string[] }
  networkManager: boolean
  modules: { overlay: boolean; bridgeNetfilter: boolean }
  limits: { inotifyInstances: number; inotifyWatches: number; openFiles: number }
  swapBytes: number
  clusterCidr: string
  serviceCidr: string
}
