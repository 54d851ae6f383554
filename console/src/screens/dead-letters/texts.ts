import type { Translation } from '../../texts/translation';

export const english = {
  hint: 'Work that failed for good: nothing tries it again by itself. Remove the cause of an error, then replay it.',
  none: 'No dead letters: all work is done, or waits for its next try.',
  noneOf: 'No dead letters of this kind.',
  list: 'Dead letters by subscription and error',
  partial: 'There are very many. Only the newest 1,000 of each subscription are counted here.',
  filter: 'Subscription',
  all: 'all',
  noError: 'No known error',
  upTo: 'up to {count}',
  columns: {
    error: 'Error',
    work: 'Work',
    count: 'Count',
    first: 'First failed',
    last: 'Last failed',
    attempts: 'Attempts',
    replays: 'Replays',
  },
  work: { projections: 'Read models', emails: 'E-mails', events: 'Events for other teams' },
  fault: { system: 'fault of the system', recipient: 'fault of the address' },
  back: 'Dead letters',
  group: 'The letters of this group',
  gone: 'This group has no dead letters any more.',
  letter: {
    event: 'Event',
    about: 'About',
    sends: 'Sent again',
    chooseOne: 'Choose {id}',
    chooseAll: 'Choose all shown here',
    group: 'All with this error',
    log: 'Its event in the log',
    title: '{type}: {work}',
    missing: 'This is no dead letter, or none any more: somebody replayed or discarded it.',
    what: 'The event',
  },
  remedy: 'What it means, and what to do',
  replay: {
    one: 'Replay it',
    some: { one: 'Replay {count} chosen', other: 'Replay {count} chosen' },
    group: 'Replay the group',
    question: 'Replay although it may do harm?',
    steps: 'At most 500 are changed at once, and 100 chosen ones.',
  },
  discard: {
    one: 'Discard it',
    some: { one: 'Discard {count} chosen', other: 'Discard {count} chosen' },
    group: 'Discard the group',
    question: { one: 'Discard a dead letter?', other: 'Discard {count} dead letters?' },
    lost: {
      projections:
        'The documents that miss their events stay old in KV. The database answers for them until they are projected again, at the latest within a day.',
      emails: 'The e-mails are never sent.',
      events: 'Other teams never receive the events.',
    },
    final: 'It cannot be undone. The events stay in the event log.',
  },
  outcome: {
    title: 'Outcome',
    replayed: { one: 'One dead letter was replayed.', other: '{count} dead letters were replayed.' },
    discarded: {
      one: 'One dead letter was discarded. Its work is never done.',
      other: '{count} dead letters were discarded. Their work is never done.',
    },
    done: { one: 'One succeeded.', other: '{count} succeeded.' },
    waiting: { one: 'One is being tried …', other: '{count} are being tried …' },
    dead: { one: 'One failed again.', other: '{count} failed again.' },
    later: { one: 'One was discarded since.', other: '{count} were discarded since.' },
    unknown: {
      one: 'Of one nobody knows any more how it ended.',
      other: 'Of {count} nobody knows any more how they ended.',
    },
    who: 'Who did this',
    each: 'Each letter',
    missing: 'There is no such decision.',
    state: {
      done: 'succeeded',
      waiting: 'is being tried',
      dead: 'failed again',
      discarded: 'discarded',
      unknown: 'not known',
    },
  },
  remedies: {
    recipient: {
      means: 'The mail server refused the address for good: there is no such mailbox, or it takes nothing.',
      todo: 'Nothing; it is removed after 30 days. Or help the person to correct the address, then replay it: it goes to the address that they have then.',
      risk: 'Mail servers block senders that insist on addresses which they have refused. Replay it only if the address was corrected.',
    },
    unclear: {
      means: 'The mail server got the e-mail, but its answer is missing: it may have arrived, up to three times.',
      todo: 'Look for it in the log of the mail server, by its time. Discard it if it arrived, otherwise replay it.',
      risk: 'The e-mail may have arrived. After a replay people may get it once more.',
    },
    unreachable: {
      means: 'The mail server could not be reached, or could not be spoken to, for four days.',
      todo: 'Check SMTP_HOST, SMTP_PORT, the encryption and the firewall, deploy, then replay the group.',
    },
    later: {
      means: 'The mail service put the e-mail off for four days: a limit, greylisting, or a full mailbox.',
      todo: 'Look at the limits of your mail service. Replay it when it works again.',
    },
    signIn: {
      means: 'The mail server refused the sign-in: a wrong user name or password.',
      todo: 'Does the server take them again? Then replay the group. If not, correct SMTP_USERNAME and SMTP_PASSWORD and deploy first.',
    },
    sender: {
      means: 'The mail service does not let this shop send with its address.',
      todo: 'Correct EMAIL_FROM, or permit it at the mail service, deploy, then replay the group.',
    },
    policy: {
      means: 'The mail server refused the e-mail by a policy, a block list, or because of its content.',
      todo: 'Look at the log and the policy of the server, and at the reputation of the domain (SPF, DKIM). Then replay the group.',
    },
    restricted: {
      means: 'This Worker may send to other recipients only.',
      todo: 'Remove the restriction of send_email in wrangler.toml, deploy, then replay the group.',
    },
    message: {
      means: 'The mail service does not take the message as it is.',
      todo: "Look at the account's address first. Otherwise it is a defect: correct the code, deploy, then replay it.",
    },
    value: {
      means: 'The database refused a value: it is too large, or no JSON, or breaks a rule.',
      todo: 'Find the log line “message.failed” with the position of the event. Correct the row or the code, deploy, then replay it.',
    },
    tooLarge: {
      means: 'The event is larger than a message of a queue may be (128 KB).',
      todo: 'It can never be delivered. Correct the code, so that such events have ids instead of content, then discard it.',
    },
    shape: {
      means: 'The content of the event does not fit its schema: a defect in an event or in an upcaster.',
      todo: 'Look at the content below. Correct the schema or the upcaster, deploy, then replay it.',
    },
    newer: {
      means: 'This version of the program does not know the event. A newer one recorded it.',
      todo: 'Deploy the newer version, then replay it.',
    },
    document: {
      means: 'KV refused a document because of its size or its key.',
      todo: 'Find the log line “message.failed” with the position of the event. Correct the row or the code, deploy, then replay it.',
    },
    defect: {
      means: 'A defect in the code that does this work, or a row that it cannot read.',
      todo: 'Find the log line “message.failed” with the position of the event. Correct the code and deploy, or correct the row; then replay it.',
    },
  },
} as const;

export const german: Translation<typeof english> = {
  hint: 'Arbeit, die endgültig gescheitert ist: Nichts versucht sie von selbst noch einmal. Beseitigen Sie die Ursache, dann wiederholen Sie sie.',
  none: 'Nichts Unzustellbares: Alle Arbeit ist getan oder wartet auf ihren nächsten Versuch.',
  noneOf: 'Nichts Unzustellbares dieser Art.',
  list: 'Unzustellbares nach Empfänger und Fehler',
  partial: 'Es ist sehr viel. Gezählt sind hier nur die neuesten 1.000 je Empfänger.',
  filter: 'Empfänger',
  all: 'alle',
  noError: 'Kein bekannter Fehler',
  upTo: 'bis {count}',
  columns: {
    error: 'Fehler',
    work: 'Arbeit',
    count: 'Anzahl',
    first: 'Zuerst',
    last: 'Zuletzt',
    attempts: 'Versuche',
    replays: 'Wiederholt',
  },
  work: { projections: 'Lesemodelle', emails: 'E-Mails', events: 'Ereignisse für andere Teams' },
  fault: { system: 'liegt am System', recipient: 'liegt an der Adresse' },
  back: 'Unzustellbares',
  group: 'Alles in dieser Gruppe',
  gone: 'In dieser Gruppe gibt es nichts Unzustellbares mehr.',
  letter: {
    event: 'Ereignis',
    about: 'Betrifft',
    sends: 'Neu gesendet',
    chooseOne: '{id} auswählen',
    chooseAll: 'Alle hier gezeigten auswählen',
    group: 'Alle mit diesem Fehler',
    log: 'Sein Ereignis im Ereignisprotokoll',
    title: '{type}: {work}',
    missing: 'Das ist nicht oder nicht mehr unzustellbar: Jemand hat es wiederholt oder verworfen.',
    what: 'Das Ereignis',
  },
  remedy: 'Was es bedeutet, und was zu tun ist',
  replay: {
    one: 'Wiederholen',
    some: { one: '{count} Ausgewähltes wiederholen', other: '{count} Ausgewählte wiederholen' },
    group: 'Gruppe wiederholen',
    question: 'Wiederholen, obwohl es schaden kann?',
    steps: 'Auf einmal werden höchstens 500 geändert, und 100 ausgewählte.',
  },
  discard: {
    one: 'Verwerfen',
    some: { one: '{count} Ausgewähltes verwerfen', other: '{count} Ausgewählte verwerfen' },
    group: 'Gruppe verwerfen',
    question: { one: 'Etwas Unzustellbares verwerfen?', other: '{count} Unzustellbare verwerfen?' },
    lost: {
      projections:
        'Die Dokumente, denen diese Ereignisse fehlen, bleiben in KV alt. Die Datenbank antwortet für sie, bis sie neu projiziert sind, spätestens binnen eines Tages.',
      emails: 'Diese E-Mails werden nie gesendet.',
      events: 'Andere Teams bekommen diese Ereignisse nie.',
    },
    final: 'Das lässt sich nicht rückgängig machen. Die Ereignisse bleiben im Ereignisprotokoll.',
  },
  outcome: {
    title: 'Ergebnis',
    replayed: { one: 'Eines wurde wiederholt.', other: '{count} wurden wiederholt.' },
    discarded: {
      one: 'Eines wurde verworfen. Seine Arbeit wird nie getan.',
      other: '{count} wurden verworfen. Ihre Arbeit wird nie getan.',
    },
    done: { one: 'Eines ist gelungen.', other: '{count} sind gelungen.' },
    waiting: { one: 'Eines wird gerade versucht …', other: '{count} werden gerade versucht …' },
    dead: { one: 'Eines ist wieder gescheitert.', other: '{count} sind wieder gescheitert.' },
    later: { one: 'Eines wurde seither verworfen.', other: '{count} wurden seither verworfen.' },
    unknown: {
      one: 'Von einem weiß niemand mehr, wie es ausging.',
      other: 'Von {count} weiß niemand mehr, wie sie ausgingen.',
    },
    who: 'Wer das getan hat',
    each: 'Im Einzelnen',
    missing: 'Diese Entscheidung gibt es nicht.',
    state: {
      done: 'gelungen',
      waiting: 'wird versucht',
      dead: 'wieder gescheitert',
      discarded: 'verworfen',
      unknown: 'unbekannt',
    },
  },
  remedies: {
    recipient: {
      means: 'Der Mailserver hat die Adresse endgültig abgelehnt: Das Postfach gibt es nicht, oder es nimmt nichts an.',
      todo: 'Nichts; nach 30 Tagen wird es entfernt. Oder helfen Sie der Person, die Adresse zu berichtigen, und wiederholen Sie es dann: Es geht an die Adresse, die sie dann hat.',
      risk: 'Mailserver sperren, wer auf abgelehnten Adressen beharrt. Wiederholen Sie es nur, wenn die Adresse berichtigt ist.',
    },
    unclear: {
      means: 'Der Mailserver bekam die E-Mail, aber seine Antwort fehlt: Sie kann angekommen sein, bis zu dreimal.',
      todo: 'Suchen Sie sie nach ihrer Zeit im Protokoll des Mailservers. Kam sie an, verwerfen Sie es, sonst wiederholen Sie es.',
      risk: 'Die E-Mail kann angekommen sein. Nach einer Wiederholung bekommen Menschen sie vielleicht noch einmal.',
    },
    unreachable: {
      means: 'Der Mailserver war vier Tage lang nicht erreichbar oder nicht zu verstehen.',
      todo: 'Prüfen Sie SMTP_HOST, SMTP_PORT, die Verschlüsselung und die Firewall, liefern Sie aus, und wiederholen Sie die Gruppe.',
    },
    later: {
      means: 'Der Maildienst hat die E-Mail vier Tage lang vertagt: eine Grenze, Greylisting oder ein volles Postfach.',
      todo: 'Sehen Sie nach den Grenzen Ihres Maildienstes. Wiederholen Sie es, wenn er wieder arbeitet.',
    },
    signIn: {
      means: 'Der Mailserver hat die Anmeldung abgelehnt: Benutzername oder Passwort sind falsch.',
      todo: 'Nimmt der Server sie wieder an? Dann wiederholen Sie die Gruppe. Wenn nicht, berichtigen Sie zuerst SMTP_USERNAME und SMTP_PASSWORD, und liefern Sie aus.',
    },
    sender: {
      means: 'Der Maildienst lässt diesen Shop nicht mit seiner Adresse senden.',
      todo: 'Berichtigen Sie EMAIL_FROM, oder erlauben Sie es beim Maildienst, liefern Sie aus, und wiederholen Sie die Gruppe.',
    },
    policy: {
      means: 'Der Mailserver hat die E-Mail wegen einer Regel, einer Sperrliste oder ihres Inhalts abgelehnt.',
      todo: 'Sehen Sie in Protokoll und Regeln des Servers nach, und nach dem Ruf der Domain (SPF, DKIM). Dann wiederholen Sie die Gruppe.',
    },
    restricted: {
      means: 'Dieser Worker darf nur an andere Adressen senden.',
      todo: 'Entfernen Sie die Beschränkung von send_email in wrangler.toml, liefern Sie aus, und wiederholen Sie die Gruppe.',
    },
    message: {
      means: 'Der Maildienst nimmt die Nachricht so nicht an.',
      todo: 'Sehen Sie zuerst nach der Adresse des Kontos. Sonst ist es ein Programmfehler: Berichtigen Sie den Code, liefern Sie aus, und wiederholen Sie es.',
    },
    value: {
      means: 'Die Datenbank hat einen Wert abgelehnt: Er ist zu groß, kein JSON oder bricht eine Regel.',
      todo: 'Suchen Sie die Logzeile „message.failed“ mit der Position des Ereignisses. Berichtigen Sie die Zeile oder den Code, liefern Sie aus, und wiederholen Sie es.',
    },
    tooLarge: {
      means: 'Das Ereignis ist größer, als eine Nachricht einer Warteschlange sein darf (128 KB).',
      todo: 'Es kann nie zugestellt werden. Berichtigen Sie den Code, damit solche Ereignisse IDs statt Inhalt haben, dann verwerfen Sie es.',
    },
    shape: {
      means: 'Der Inhalt des Ereignisses passt nicht zu seinem Schema: ein Fehler in einem Ereignis oder Upcaster.',
      todo: 'Sehen Sie sich unten den Inhalt an. Berichtigen Sie Schema oder Upcaster, liefern Sie aus, und wiederholen Sie es.',
    },
    newer: {
      means: 'Diese Version des Programms kennt das Ereignis nicht. Eine neuere hat es aufgezeichnet.',
      todo: 'Liefern Sie die neuere Version aus, dann wiederholen Sie es.',
    },
    document: {
      means: 'KV hat ein Dokument wegen seiner Größe oder seines Schlüssels abgelehnt.',
      todo: 'Suchen Sie die Logzeile „message.failed“ mit der Position des Ereignisses. Berichtigen Sie die Zeile oder den Code, liefern Sie aus, und wiederholen Sie es.',
    },
    defect: {
      means: 'Ein Fehler im Code, der diese Arbeit tut, oder eine Zeile, die er nicht lesen kann.',
      todo: 'Suchen Sie die Logzeile „message.failed“ mit der Position des Ereignisses. Berichtigen Sie den Code und liefern Sie aus, oder berichtigen Sie die Zeile; dann wiederholen Sie es.',
    },
  },
};
