import type { OrderFacts } from '../notification';
import type { Saying, Text, Texts } from './text';

/** @param was what has happened to the order, at the end of the sentence */
function order(was: string, next: string) {
  return ({ number, total }: OrderFacts, { at, brand, money }: Saying): Text => ({
    subject: `Ihre Bestellung ${number} bei ${brand} wurde ${was}`,
    paragraphs: [`Ihre Bestellung ${number} wurde am ${at} ${was}. Die Summe beträgt ${money(total)}.`, next],
  });
}

export const german: Texts = {
  greeting: (name) => (name === undefined ? 'Guten Tag,' : `Guten Tag ${name},`),
  unsubscribe: ({ brand }) =>
    `Sie erhalten diese E-Mail, weil E-Mails zu Bestellungen und Anfragen für Ihr Konto bei ${brand} eingeschaltet sind. Mit diesem Link schalten Sie sie ab:`,
  unsubscribing: {
    title: 'E-Mails abschalten',
    question: (brand) =>
      `Möchten Sie keine E-Mails zu Bestellungen und Anfragen von ${brand} mehr erhalten? Wir schreiben Ihnen weiterhin, wenn es um die Sicherheit Ihres Kontos geht.`,
    button: 'E-Mails abschalten',
    done: (brand) =>
      `Sie erhalten keine E-Mails zu Bestellungen und Anfragen von ${brand} mehr. In den Einstellungen Ihres Kontos können Sie sie wieder einschalten.`,
    invalid:
      'Dieser Link funktioniert nicht. Bitte öffnen Sie den ganzen Link einer neueren E-Mail, oder nutzen Sie die Einstellungen Ihres Kontos.',
  },
  kinds: {
    welcome: ({ confirmation }, { brand, duration }) => ({
      subject: `Willkommen bei ${brand}`,
      paragraphs: [
        'Ihr Konto ist eingerichtet. Sie können sich mit Ihrer E-Mail-Adresse und Ihrem Passwort anmelden.',
        'Falls Sie diese Nachricht nicht erwartet haben, beachten Sie sie bitte nicht.',
        ...(confirmation
          ? [
              `Bitte bestätigen Sie, dass dies Ihre Adresse ist, damit wir Ihnen zu Ihren Bestellungen schreiben können. Der folgende Link gilt ${duration(confirmation.validMinutes)}:`,
            ]
          : []),
      ],
      link: confirmation?.url,
    }),
    'confirm-address': ({ purpose, url, validMinutes }, { brand, duration }) => ({
      subject: `Bestätigen Sie Ihre E-Mail-Adresse bei ${brand}`,
      paragraphs: [
        purpose === 'change'
          ? `jemand möchte diese Adresse für ein Konto bei ${brand} verwenden. Falls Sie das nicht waren, beachten Sie diese Nachricht nicht: Es ändert sich nichts.`
          : `jemand hat diesen Link angefordert. Er bestätigt, dass dies die Adresse Ihres Kontos bei ${brand} ist. Falls Sie das nicht waren, beachten Sie diese Nachricht nicht.`,
        `Falls Sie es waren: Der folgende Link gilt ${duration(validMinutes)}:`,
      ],
      link: url,
    }),
    'address-changed': ({ reader }, { at, brand }) => ({
      subject: `Die E-Mail-Adresse Ihres Kontos bei ${brand} wurde geändert`,
      paragraphs: [
        reader === 'old'
          ? `die E-Mail-Adresse Ihres Kontos bei ${brand} wurde am ${at} geändert. Wir schreiben von nun an an die neue Adresse.`
          : `Ihr Konto bei ${brand} hat seit dem ${at} diese E-Mail-Adresse. Von nun an melden Sie sich mit ihr an, und wir schreiben an sie.`,
        'Falls Sie das nicht waren, benutzt vielleicht jemand anderes Ihr Konto: Bitte sagen Sie uns sofort Bescheid.',
      ],
    }),
    'password-reset': ({ url, validMinutes }, { brand, duration }) => ({
      subject: `Setzen Sie Ihr Passwort bei ${brand} zurück`,
      paragraphs: [
        `jemand möchte das Passwort Ihres Kontos bei ${brand} zurücksetzen. Falls Sie das nicht waren, beachten Sie diese Nachricht nicht: Ihr Passwort bleibt, wie es ist. Falls Sie es waren: Der folgende Link gilt ${duration(validMinutes)}:`,
      ],
      link: url,
    }),
    'password-changed': ({ by }, { at, brand }) => ({
      subject: `Ihr Passwort bei ${brand} wurde geändert`,
      paragraphs: [
        `das Passwort Ihres Kontos bei ${brand} wurde am ${at} geändert. Bitte melden Sie sich auf allen Ihren Geräten neu an.`,
        ...(by === 'reset' ? ['Damit wurden alle API-Schlüssel Ihres Kontos widerrufen.'] : []),
        'Falls Sie das nicht waren, setzen Sie Ihr Passwort sofort mit dem Link einer E-Mail zurück, was auch alle API-Schlüssel Ihres Kontos widerruft, und sagen Sie uns Bescheid.',
      ],
    }),
    'api-key-created': ({ keyId, prefix, isOfService }, { at, brand }) => ({
      subject: isOfService
        ? `Ein neuer API-Schlüssel für ein Dienstkonto bei ${brand}`
        : `Ein neuer API-Schlüssel für Ihr Konto bei ${brand}`,
      paragraphs: [
        isOfService
          ? `mit Ihrem Konto bei ${brand} wurde am ${at} ein API-Schlüssel für ein Dienstkonto erstellt. Er beginnt mit ${prefix}.`
          : `für Ihr Konto bei ${brand} wurde am ${at} ein API-Schlüssel erstellt. Er beginnt mit ${prefix}. Ein Programm, das ihn hat, kann Ihr Konto benutzen, so weit die Rechte des Schlüssels reichen.`,
        `Einen Schlüssel, den niemand braucht, können Sie jederzeit widerrufen: Melden Sie sich an, und senden Sie DELETE /v1/api-keys/${keyId}.`,
        isOfService
          ? 'Falls Sie das nicht waren, widerrufen Sie den Schlüssel, setzen Sie Ihr Passwort sofort zurück, und sagen Sie uns Bescheid.'
          : 'Falls Sie das nicht waren, setzen Sie Ihr Passwort sofort mit dem Link einer E-Mail zurück, was alle API-Schlüssel Ihres Kontos widerruft, und sagen Sie uns Bescheid.',
      ],
    }),
    'order-placed': order('aufgegeben', 'Wir schreiben Ihnen wieder, wenn sie unterwegs ist.'),
    'order-shipped': order('versandt', 'Sie ist auf dem Weg zu Ihnen.'),
    'order-delivered': order('zugestellt', 'Wir wünschen Ihnen viel Freude damit.'),
    'order-cancelled': order('storniert', 'Sie wird nicht zugestellt.'),
    'ticket-replied': ({ ticketId }, { at, brand }) => ({
      subject: `Wir haben auf Ihre Anfrage bei ${brand} geantwortet`,
      paragraphs: [
        `wir haben am ${at} auf Ihre Anfrage bei ${brand} geantwortet. Bitte melden Sie sich an, um die Antwort zu lesen und zu erwidern.`,
        `Anfrage: ${ticketId}`,
      ],
    }),
    'ticket-closed': ({ ticketId }, { at, brand }) => ({
      subject: `Ihre Anfrage bei ${brand} wurde geschlossen`,
      paragraphs: [
        `Ihre Anfrage bei ${brand} wurde am ${at} geschlossen. Falls sie nicht erledigt ist, melden Sie sich an und antworten Sie: Dann ist sie wieder offen.`,
        `Anfrage: ${ticketId}`,
      ],
    }),
  },
};
