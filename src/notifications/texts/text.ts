import type { Money } from '../../platform/money';
import type { NotificationFacts, NotificationKind } from '../notification';

/** The words of one e-mail, from which both its plain text and its HTML are made. */
export interface Text {
  subject: string;
  paragraphs: readonly string[];
  /** Stands after the paragraphs. */
  link?: string | undefined;
}

/** What a text can say beside its facts, written for its reader. */
export interface Saying {
  /** The name of the shop. */
  brand: string;
  /** When it happened, in the time zone of the account. */
  at: string;
  money(amount: Money): string;
  duration(minutes: number): string;
}

/** The texts of one language. Each is a pure function; a kind without a text does not compile. */
export interface Texts {
  greeting(name: string | undefined): string;
  /** Says why the e-mail was sent; the link that ends such e-mails follows. */
  unsubscribe(say: Saying): string;
  /** The page to which that link leads. */
  unsubscribing: {
    title: string;
    question(brand: string): string;
    button: string;
    done(brand: string): string;
    /** For a link that is not whole, or older than the secrets. */
    invalid: string;
  };
  kinds: { readonly [Kind in NotificationKind]: (facts: NotificationFacts[Kind], say: Saying) => Text };
}
