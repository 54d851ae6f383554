// The screens of the read models and their documents.
export { Inspector } from '../inspector/inspector';
export { ReadModel } from './read-model';
export { ReadModels } from './read-models';
