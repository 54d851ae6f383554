import { version as packageVersion } from '../../package.json';

/** The version of this release; CHANGELOG.md describes it. */
export const version: string = packageVersion;
