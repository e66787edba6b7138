// Ports that cannot be chosen: everybody looks for the kubelet and for DNS there.
export const kubeletPort = 10250
export const dnsPort = 53
