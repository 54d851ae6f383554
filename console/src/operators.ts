import { useTextsOfOperators } from './language';

/** Loads the screens of operators, which have texts of their own. */
export const operators = async () => (await Promise.all([import('./screens/operators'), useTextsOfOperators()]))[0];
