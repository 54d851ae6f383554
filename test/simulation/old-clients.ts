import type { Caller } from '../../src/access/caller';
import type { Commands } from '../../src/domains';
import type { Clients, CreateClients, Invocation, Platform } from './history';
import { nextId } from './ids';
import { type ClientCommand, Shop } from './shop';
import { describeCause } from './trace';

/** The clients of before, until shop/ replaces them: no check of contents. */
export const createOldClients: CreateClients = (platform: Platform): Clients => {
  const { world } = platform;
  const shop = new Shop(world);
  let acknowledged: { id: string; commandId: string; position: number; epoch: string; bookmark: string | null; command: ClientCommand; version: number }[] = [];
  let reads = 0;
  let erased: string[] = [];

  function commandsOf({ services }: Invocation, actor: string | undefined, commandId: string): Commands {
    const caller: Caller | undefined = actor === undefined ? undefined : shop.callerOf(actor);
    return services.bindCommands(() => ({
      commandId, isRepeatable: true, issuedAt: services.clock.now(), requestId: nextId(), caller, actorId: actor, readFrom: 'first-unconstrained',
    }));
  }

  async function send(command: ClientCommand, tries = 3): Promise<boolean> {
    const commandId = nextId();
    command.onSend?.();
    for (let left = tries; left > 0; left--) {
      try {
        const outcome = await platform.request('client', async (invocation) => {
          world.trace?.(invocation.process, `sends ${command.name} (version ${invocation.release.number}): ${JSON.stringify(command.payload)}`);
          try {
            const { result, commit } = await command.run(commandsOf(invocation, command.actor, commandId));
            world.trace?.(invocation.process, `${command.name}: ${JSON.stringify(result ?? null)} at ${commit.position}`);
            return { result, commit, epoch: invocation.epoch };
          } catch (error) {
            world.trace?.(invocation.process, `${command.name}: ${describeCause(error)}`);
            if (invocation.release.isRefusal(error)) return undefined;
            if (!invocation.release.isUnclear(error)) world.fail({ expected: `${command.name} ends clearly`, found: describeCause(error) }, error);
            throw error;
          }
        });
        if (!outcome) return false;
        const { id = command.key, version = 0 } = (outcome.result ?? {}) as { id?: string; version?: number };
        if (id === undefined) return true;
        acknowledged.push({ id, commandId, ...outcome.commit, epoch: outcome.epoch, command, version });
        command.onDone?.(id);
        return true;
      } catch {}
    }
    return false;
  }

  function readOwn(): void {
    const own = world.pick(acknowledged.filter(({ command, epoch }) => command.view && epoch === platform.epoch));
    if (!own) return;
    platform.startClient('reader', async () => {
      const { epoch } = platform;
      await platform.request('client', async ({ process, release, services }) => {
        const view = release.views.find(({ name }) => name === own.command.view?.name);
        if (!view || process.epoch !== epoch) return;
        const [result] = await services.readModels.read({ position: own.position, bookmark: own.bookmark, epoch: own.epoch }, { view, key: own.id });
        reads++;
        const version = result?.document?.version ?? 0;
        if (!result || result.consistency === 'stale' || shop.deleted.size > 0 || platform.epoch !== epoch) return;
        if (version < own.version) {
          world.fail({ expected: `a read of ${view.id} ${own.id} with the token of ${own.position} by version ${release.number} returns version ${own.version}`, found: `${version} from ${result.source}, ${result.consistency}` });
        }
      }).catch(() => {});
    });
  }

  const operate = (run: (commands: Commands) => Promise<unknown>) =>
    platform.request('admin', async (invocation) => {
      await run(commandsOf(invocation, shop.staff[0], nextId()));
    }).catch((error) => world.trace?.('admin', describeCause(error)));

  return {
    async setUp() {
      for (const command of [shop.register(), shop.register(), shop.register()]) await send(command, 1);
      const [admin] = shop.customers.splice(0, 1);
      if (!admin) throw new Error('the registration of the admin failed');
      platform.d1.query("UPDATE users SET role = 'admin' WHERE id = ?", admin);
      shop.staff.push(admin);
    },
    act() {
      if (world.chance(0.5)) return readOwn();
      const command = shop.next();
      if (!command) return;
      platform.startClient('client', async () => {
        const payload = command.payload as { userId?: string };
        const email = command.name === 'DeleteUser' ? shop.emails.get(payload.userId ?? '') : undefined;
        const isDone = await send(command);
        if (isDone && email) erased.push(email);
      });
    },
    restored({ position }) {
      acknowledged = acknowledged.filter((one) => one.position <= position);
      erased = [];
      const has = (table: string, id: string) => platform.d1.query(`SELECT 1 FROM ${table} WHERE id = ?`, id).length > 0;
      for (const [list, table] of [[shop.customers, 'users'], [shop.items, 'items'], [shop.orders, 'orders'], [shop.tickets, 'tickets']] as const) {
        list.splice(0, list.length, ...list.filter((id) => has(table, id)));
      }
    },
    operator: {
      startRebuild: (view) => operate((commands) => commands.StartRebuild({ view })),
      replayDeadLetters: () => operate((commands) => commands.ReplayDeadLetters({})),
      deleteAccountsAgain: async () => {},
    },
    get isBusy() {
      return false;
    },
    erasedTexts: () => erased,
    async check() {},
    figures: () => ({ acknowledged: acknowledged.length, reads }),
  };
};
