/** Addresses (or host names) of a load balancer's status, each once, ordered. */
export const ingressText = (ingress: readonly { ip?: string; hostname?: string }[] | undefined): string =>
  [...new Set((ingress ?? []).map((i) => i.ip || i.hostname || '').filter(Boolean))].sort().join(',')
