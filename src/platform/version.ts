import { version as packageVersion } from '../../package.json' with { type: 'json' };

/** The version of this release, as package.json and CHANGELOG.md have it. */
export const version: string = packageVersion;
