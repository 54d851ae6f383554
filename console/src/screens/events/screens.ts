// One script for these screens: operators go from dead letters to their events and back.
export { DeadLetters } from '../dead-letters/dead-letters';
export { DeadLetter } from '../dead-letters/letter';
export { Event } from './event';
export { Events } from './events';
