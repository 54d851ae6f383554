import { useMoreTexts } from './language';
import { untilLoaded } from './newer-version';

const load = async () => (await Promise.all([import('./screens/operators'), useMoreTexts('operators')]))[0];

/** Loads the screens of operators, which have texts of their own. */
export const operators = () => untilLoaded(load);
