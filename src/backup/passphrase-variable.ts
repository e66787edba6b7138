/** Holds the pass phrase of a back-up, for those who give it by the environment. */
export const passphraseVariable = 'MK8S_PASSPHRASE'
