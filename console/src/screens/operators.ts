// The screens of operators.
export { Inspector } from './inspector/inspector';
export { ReadModel } from './read-models/read-model';
export { ReadModels } from './read-models/read-models';
