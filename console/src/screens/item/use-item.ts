import { ProblemError } from '@frontdesk/client';
import { type Signal, useSignal } from '@preact/signals';
import type { InferResponseType } from 'hono/client';
import { api } from '../../api';
import { useDraft } from '../../drafts';
import { locale } from '../../language';
import { writeAmount } from '../../money';
import { type Read, useRead } from '../../read';
import { ifMatch } from '../../tag';

type ItemApi = ReturnType<typeof api>['items'][':id'];
export type ItemDetail = InferResponseType<ItemApi['$get']>;
export type ItemChanges = Parameters<ItemApi['$patch']>[0]['json'];

export const fields = ['title', 'price', 'stock', 'description'] as const;
export type Field = (typeof fields)[number];
export type Typed = Partial<Record<Field, string>>;

/** The item as its form shows it. An empty stock is an unlimited one. */
export function valuesOf({ title, price, stock, description }: ItemDetail): Record<Field, string> {
  return {
    title,
    price: writeAmount(price, locale.value),
    stock: stock === null ? '' : String(stock),
    description: description ?? '',
  };
}

/** What was typed and not saved, and the item as it was when that began. */
interface Draft {
  before: ItemDetail;
  headers: Record<string, string>;
  typed: Typed;
}

/** The item of the screen, with what the person has typed. */
export interface OpenItem {
  read: Read<ItemDetail>;
  typed: Typed;
  /** The item as the person knew it when the API refused their change, because it was changed meanwhile. */
  refused: Signal<ItemDetail | undefined>;
  type(item: ItemDetail, field: Field, value: string): void;
  discard(): void;
  /** Saves what was typed. Resolves to whether the API took it. */
  save(changes: ItemChanges): Promise<boolean>;
  /** Changes the item at once, as it is shown. */
  change(changes: ItemChanges): Promise<boolean>;
}

/** Reads an item while it is shown, and keeps what is typed until it is saved. */
export function useItem(id: string): OpenItem {
  const param = { id };
  const read = useRead(`item ${id}`, (headers) => api().items[':id'].$get({ param }, { headers }));
  const draft = useDraft(`item.${id}`);
  const refused = useSignal<ItemDetail | undefined>(undefined);
  const kept = draft.value === '' ? undefined : (JSON.parse(draft.value) as Draft);

  async function send(json: ItemChanges, known: ItemDetail | undefined, headers: Record<string, string>) {
    try {
      await api().items[':id'].$patch({ param, json }, { headers });
      refused.value = undefined;
      await read.refresh();
      return true;
    } catch (error) {
      if (!(error instanceof ProblemError) || error.status !== 412) throw error;
      refused.value ??= known;
      return false;
    }
  }

  return {
    read,
    typed: kept?.typed ?? {},
    refused,
    type(item, field, value) {
      const { before, headers, typed: others } = kept ?? { before: item, headers: ifMatch(read), typed: {} };
      const all = Object.entries({ ...others, [field]: value } satisfies Typed);
      const typed = Object.fromEntries(all.filter(([name, one]) => one !== valuesOf(before)[name as Field]));
      draft.value = Object.keys(typed).length === 0 ? '' : JSON.stringify({ before, headers, typed } satisfies Draft);
    },
    discard() {
      refused.value = undefined;
      draft.value = '';
    },
    async save(changes) {
      if (!kept) return false;
      const sent = draft.value;
      // After a refusal the changes of others are on the screen, and the person saves with their knowledge.
      const isSaved = await send(changes, kept.before, refused.value ? ifMatch(read) : kept.headers);
      if (isSaved && draft.value === sent) draft.value = '';
      return isSaved;
    },
    change: (changes) => send(changes, read.data.value, ifMatch(read)),
  };
}
