// One script for the screens of operators: they go from documents to events and dead letters, and back.
export { DeadLetters } from './dead-letters/dead-letters';
export { DeadLetter } from './dead-letters/letter';
export { Event } from './events/event';
export { Events } from './events/events';
export { Inspector } from './inspector/inspector';
export { Machinery } from './machinery/machinery';
export { ReadModel } from './read-models/read-model';
export { ReadModels } from './read-models/read-models';
