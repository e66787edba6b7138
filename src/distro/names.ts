// Names that other programs see.

/** The bridge that pods are connected to, as k3s and others call it. */
export const podBridge = 'cni0'
