import type { Commands } from '../../../src/domains';
import type { Clients, CreateClients, Platform, Restored } from '../history';
import type { Behaviours } from './behaviours';
import { checkHistory } from './check';
import type { Draft } from './commands';
import { erasedTexts } from './erasure';
import type { Credential } from './knowledge';
import { Notebook } from './notebook';
import { Operator } from './operator';
import { Reader } from './reading';
import { Sender } from './sender';
import { Stories } from './stories';

const operatorEmail = 'operator@example.com';
const operatorPassword = 'the password of the operator';
/** How many commands without a clear answer are repeated when all work has ended. */
const repeatedAtRest = 6;

/** Makes the clients of the shop, which show these behaviours. */
export function createShop(behaviours: Behaviours): CreateClients {
  return (platform) => new ShopClients(platform, behaviours);
}

class ShopClients implements Clients {
  readonly #notebook: Notebook;
  readonly #sender: Sender;
  readonly #reader: Reader;
  readonly #stories: Stories;
  readonly operator: Operator;

  constructor(
    readonly platform: Platform,
    behaviours: Behaviours,
  ) {
    this.#notebook = new Notebook(platform, behaviours);
    this.#sender = new Sender(this.#notebook);
    this.#reader = new Reader(this.#notebook);
    this.#stories = new Stories(this.#notebook, this.#sender, this.#reader);
    this.operator = new Operator(this.#notebook, this.#sender);
  }

  get isBusy(): boolean {
    return this.#notebook.isBusy;
  }

  figures(): Readonly<Record<string, number>> {
    return this.#notebook.figures;
  }

  act(): void {
    if (this.platform.world.chance(0.55)) this.#stories.act();
    else this.#reader.act();
  }

  async readAtRest(hasFloors: boolean): Promise<void> {
    await this.#reader.readAtRest(hasFloors);
    const by = this.operator.credential;
    if (by) await this.#reader.followAtRest(by);
  }

  repeatOpen(): Promise<void> {
    return this.#sender.repeatOpen(repeatedAtRest);
  }

  observe(): void {
    this.#notebook.log.observe();
  }

  restored({ position }: Restored): void {
    this.#notebook.log.restored(position);
  }

  async setUp(): Promise<void> {
    const { shop } = this.#notebook;
    const operator = { name: 'The operator', email: operatorEmail, password: operatorPassword };
    const send = async (name: keyof Commands, draft: Draft) => {
      const { answer } = await this.#sender.sendOnce(name, draft);
      if (answer.kind !== 'acknowledged') throw new Error(`The set-up fails with ${name}.`);
      return answer.result as { id: string };
    };
    const signIn = async (username: string, password: string): Promise<Credential> => {
      await send('SignIn', { payload: { username, password } });
      const found = [...shop.people.values()].find(({ emails }) => emails.includes(username));
      return found?.credentials.at(-1) as Credential;
    };
    shop.operatorId = (await send('CreateFirstAdmin', { payload: operator })).id;
    const by = await signIn(operatorEmail, operatorPassword);
    for (const role of ['customer', 'customer', 'agent', 'admin'] as const) {
      const email = shop.email();
      const password = shop.text('a long password');
      const { id: userId } = await send('RegisterUser', { payload: { name: shop.name(), email, password } });
      if (role !== 'customer') await send('ChangeRole', { payload: { userId, role }, by });
      const own = await signIn(email, password);
      if (role === 'customer') continue;
      const payload = { title: shop.text('Rope'), price: { amount: 500, currency: 'EUR' }, stock: 5 };
      await send('CreateItem', { payload, by: own });
    }
    this.platform.world.trace?.('PHASE', 'the shop is open');
  }

  erasedTexts(): readonly string[] {
    return erasedTexts(this.#notebook);
  }

  async check(): Promise<void> {
    checkHistory(this.#notebook);
  }
}
