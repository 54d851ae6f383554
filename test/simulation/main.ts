// What the tests, and the versions of the Worker, use of the simulation (bundle.ts).

export { Coverage, findMissing, isRare } from './coverage';
export { chooseHardships } from './hardships';
export { loadVersions } from './releases';
export { replacements } from './replacements';
export { behavioursWithout, isBehaviour } from './shop/behaviours';
export { simulate } from './simulate';
export { InvariantViolation } from './violation';
