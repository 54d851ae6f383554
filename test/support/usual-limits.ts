import { deadlines, limits } from '../../src/platform/limits';
import { forEachFile } from './each-file';

const usual = { limits: { ...limits }, deadlines: { ...deadlines } };

// A test that changes a limit puts it back; a test that fails before it does must not make the next file fail, too.
forEachFile(() => {
  Object.assign(limits, usual.limits);
  Object.assign(deadlines, usual.deadlines);
});
