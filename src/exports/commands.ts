import * as z from 'zod';
import { activeAccount, activeAdmin, type DefineCommand } from '../access/access-rules';
import type { Transaction } from '../cqrs/writing/unit-of-work';
import { newId } from '../platform/ids';
import { uuid } from '../platform/uuid';
import { requireOwnDataOrAdmin } from './access';
import { DataExported } from './events';
import { exportKinds } from './export-kind';

const span = z.strictObject({
  kind: z.enum(exportKinds).exclude(['account']),
  from: z.iso.datetime().optional(),
  to: z.iso.datetime().optional(),
  includesPersonal: z.boolean(),
});
const account = z.strictObject({ userId: uuid });

/** The commands of exports record who was given what, before the first byte leaves. */
export function createExportCommands(command: DefineCommand<object>) {
  function record(tx: Transaction<object>, data: Parameters<typeof DataExported.create>[2]) {
    const id = newId();
    tx.record(DataExported.create(id, 1, data));
    return { id, version: 1 };
  }

  return {
    /** Records that an admin exports a table. */
    RecordExport: command({
      input: span,
      onlyIf: activeAdmin,
      handle: ({ kind, from = null, to = null, includesPersonal }, tx) =>
        record(tx, { kind, from, to, includesPersonal, userId: null }),
    }),

    /** Records that an account, or an admin for it, exports all of its data. */
    RecordAccountExport: command({
      input: account,
      onlyIf: activeAccount,
      handle({ userId }, tx, { actor }) {
        requireOwnDataOrAdmin(actor, userId);
        return record(tx, { kind: 'account', from: null, to: null, includesPersonal: true, userId });
      },
    }),
  };
}

export type ExportCommands = ReturnType<typeof createExportCommands>;
