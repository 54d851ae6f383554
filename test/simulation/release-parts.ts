// What a history needs of a version of the Worker. Each version has this module, and all modules of src/, for itself.

export { withinScopes } from '../../src/access/within-scopes';
export { compose } from '../../src/composition';
export { eventCatalogue, views } from '../../src/domains';
export { EmailError } from '../../src/email/email-sender';
export { commandScopes, queryScopes } from '../../src/operation-scopes';
export { findDatabaseFailure } from '../../src/platform/d1';
export { DomainError } from '../../src/platform/errors';
export { limits } from '../../src/platform/limits';
export { runSchedule } from '../../src/schedule';
