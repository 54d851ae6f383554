import { ProblemError } from '@frontdesk/client';
import { type Signal, useSignal } from '@preact/signals';
import { api } from '../../api';
import { type Read, shownReads, useRead } from '../../read';
import { ifMatch } from '../../tag';

/** An account as its page shows it. */
export interface Profile {
  id: string;
  name: string;
  email: string;
  emailConfirmed: boolean;
  pendingEmail: string | null;
  role: 'customer' | 'agent' | 'admin';
  isActive: boolean;
  createdAt: string;
  lastLoginAt: string | null;
  itemCount: number;
  orderCount: number;
  openTicketCount: number;
}

/** The account of the screen, and changes of it that are refused if others were faster. */
export interface OpenPerson {
  read: Read<Profile>;
  /** The account as it was on the screen when a change was refused. */
  refusedAt: Signal<Profile | undefined>;
  onDeleted(): void;
  /** Sends a change of the account as it is shown. Resolves to whether it was made. */
  change(request: (headers: Record<string, string>) => Promise<unknown>): Promise<boolean>;
}

/** What the parts need that change an account. */
export interface ManageProps {
  profile: Profile;
  open: OpenPerson;
}

/**
 * Reads an account while it is shown.
 * @param onDeleted is called when the person has deleted it here
 */
export function usePerson(id: string, onDeleted: () => void): OpenPerson {
  const read = useRead<Profile>(`user ${id}`, (headers) => api().users[':id'].$get({ param: { id } }, { headers }));
  const refusedAt = useSignal<Profile | undefined>(undefined);
  return {
    read,
    refusedAt,
    onDeleted() {
      // Nothing of the account can be read any more, also not to see the effect of its deletion.
      shownReads.value = [];
      onDeleted();
    },
    async change(request) {
      const { value: shown } = read.data;
      refusedAt.value = undefined;
      try {
        await request(ifMatch(read));
        return true;
      } catch (error) {
        if (!(error instanceof ProblemError) || error.status !== 412) throw error;
        refusedAt.value = shown;
        return false;
      }
    },
  };
}
