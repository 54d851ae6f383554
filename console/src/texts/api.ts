// What the API says about failures, in the languages that it does not speak itself, by the codes of its problems and of the issues of
// its readiness check. What has no text here is shown in the English of the API, which says more about programs than about people.
export const english: Readonly<Record<string, string>> = {};

/** What the API calls `details` fills in the names. Of an issue, `.remedy` says what to do, and other endings what it says of such details. */
export const german: Readonly<Record<string, string>> = {
  'd1-unreachable': 'D1 antwortet nicht, also kann kein Befehl ausgeführt werden.',
  'd1-unreachable.remedy':
    'Sehen Sie auf der Statusseite der Plattform nach, und warten Sie. Was geschrieben ist, bleibt, und was wartet, wird danach getan. Nennt ein Fehler eine Tabelle, die fehlt, wenden Sie die Migrationen an.',
  'kv-unreachable': 'KV antwortet nicht, also kommen Lesezugriffe aus D1 und dauern länger.',
  'kv-unreachable.remedy':
    'Sehen Sie auf der Statusseite der Plattform nach, und warten Sie. Auch die Projektionen warten, und sind einige Minuten danach von selbst getan.',
  'deliveries-late': 'Die älteste Zustellung an {subscription} wartet seit {seconds}.',
  'deliveries-late.remedy':
    'Sehen Sie sich die wartenden Ereignisse an. Haben sie einen Fehler, beheben Sie seine Ursache. Haben sie keinen, hält vielleicht ein gestorbener Lauf das Dokument des ältesten: Untersuchen Sie es. Prüfen Sie sonst, ob der Zeitplan läuft und ob jemand die Warteschlange liest.',
  'projections-slow': 'Ein Ereignis wartet seit {seconds} auf seine Dokumente; das Ziel sind {targetSeconds}.',
  'projections-slow.view':
    'In der letzten Stunde wartete eines von 100 Ereignissen mindestens {seconds} auf das Lesemodell {view}; das Ziel sind {targetSeconds}.',
  'projections-slow.remedy':
    'Sehen Sie sich die wartenden Ereignisse an, und untersuchen Sie das Dokument des ältesten: Dort steht, warum es veraltet ist. Scheitert nichts, ist die Datenbank oder die Warteschlange langsam. Wartet nichts mehr, ist es vorbei, und diese Meldung endet binnen einer Stunde. Heben Sie LAG_TARGET_SECONDS an, wenn das Ziel enger ist, als Sie es brauchen.',
  'dead-letters': 'Unzustellbares wartet darauf, wiederholt oder verworfen zu werden (Anzahl: {count}).',
  'dead-letters.isMore':
    'Unzustellbares wartet darauf, wiederholt oder verworfen zu werden (Anzahl: mehr als {count}).',
  'dead-letters.remedy':
    'Sehen Sie sich die Gruppen des Unzustellbaren an, beheben Sie die Ursache ihres Fehlers, und wiederholen Sie sie. Verwerfen Sie nur, was nie getan werden darf.',
  'erasures-stalled': 'Eine Löschung ist seit {seconds} nicht vorangekommen.',
  'erasures-stalled.remedy':
    'Sehen Sie bei den Löschungen nach dem Konto und seinem letzten Fehler. Berichtigen Sie die Zeile, die nicht lesbar ist; der nächste Schritt folgt binnen einer Minute.',

  'api-keys.expired': 'Der Schlüssel wäre schon abgelaufen. Wählen Sie eine Zeit in der Zukunft.',
  'api-keys.not-found': 'Diesen API-Schlüssel gibt es nicht mehr, oder Sie dürfen ihn nicht widerrufen.',
  'api-keys.not-shown-again':
    'Der Schlüssel wurde schon erstellt und kann nicht noch einmal gezeigt werden. Widerrufen Sie ihn, und erstellen Sie einen anderen.',
  'api-keys.too-many':
    'Ein Konto hat höchstens {most} API-Schlüssel, die abgelaufenen eingeschlossen. Widerrufen Sie einen, den niemand mehr braucht.',
  'auth.hashing-busy':
    'Gerade werden zu viele Passwörter geprüft. Warten Sie {retryAfterSeconds}, und versuchen Sie es noch einmal.',
  'auth.insufficient-role': 'Ihr Konto darf das nicht: Es hat die Rolle „{role}“.',
  'auth.invalid-token': 'Ihre Anmeldung gilt nicht mehr. Melden Sie sich neu an.',
  'auth.required': 'Dafür müssen Sie angemeldet sein.',
  'concurrency.conflict': 'Andere haben dies gleichzeitig geändert. Versuchen Sie es noch einmal.',
  'concurrency.outcome-unknown':
    'Die Datenbank hat nicht geantwortet: Vielleicht ist es getan, vielleicht nicht. Warten Sie {retryAfterSeconds}, und sehen Sie nach, bevor Sie es wiederholen.',
  'dead-letters.decision-not-found': 'Diese Entscheidung gibt es nicht.',
  'dead-letters.not-found': 'Das ist nicht mehr unzustellbar: Jemand hat es wiederholt oder verworfen.',
  'events.not-found': 'An der Position {position} des Ereignisprotokolls gibt es kein Ereignis.',
  'exports.account-not-found': 'Dieses Konto gibt es nicht.',
  'exports.not-yours': 'Die Daten dieses Kontos können nur das Konto selbst und Admins exportieren.',
  'http.body-too-large': 'Das ist zu lang: Mehr als {maxBytes} Bytes nimmt die API nicht an. Kürzen Sie es.',
  'http.configuration':
    'Die API ist falsch eingerichtet. Das muss der Betrieb berichtigen. Versuchen Sie es in {retryAfterSeconds} noch einmal.',
  'http.cross-origin': 'Das geht nur von einer Seite dieser API aus.',
  'http.database-unavailable':
    'Die Datenbank hat nicht rechtzeitig geantwortet, und nichts wurde geändert. Warten Sie {retryAfterSeconds}, und versuchen Sie es noch einmal.',
  'http.idempotency-key-reused': 'Derselbe Befehl wurde schon mit anderem Inhalt gesendet. Laden Sie die Seite neu.',
  'http.internal':
    'Die API ist unerwartet gescheitert. Versuchen Sie es noch einmal; hilft das nicht, nennen Sie dem Betrieb die Nummer der HTTP-Anfrage.',
  'http.invalid-cursor': 'Diese Stelle gehört nicht zu dieser Liste. Beginnen Sie die Liste von vorn.',
  'http.invalid-query': 'Etwas in den Filtern ist falsch. Berichtigen Sie, was hier steht.',
  'http.not-found': 'An dieser Adresse gibt es nichts.',
  'http.precondition-failed': 'Jemand hat dies inzwischen geändert. Sehen Sie sich an, was jetzt gilt.',
  'http.too-many-requests':
    'Das waren zu viele Anfragen. Warten Sie {retryAfterSeconds}, und versuchen Sie es noch einmal.',
  'http.validation-failed': 'Einige Angaben fehlen oder sind falsch. Berichtigen Sie, was hier steht.',
  'items.not-found': 'Diesen Artikel gibt es nicht, oder Sie dürfen ihn nicht ändern.',
  'items.not-yours':
    'Dieser Artikel gehört Ihnen nicht. Sie können ihn nur aus dem Verkauf nehmen; alles andere können Admins und die Person, die ihn verkauft.',
  'items.only-staff-sells': 'In diesem Shop verkaufen nur Support und Admins.',
  'items.taken-down':
    'Support oder Admins haben diesen Artikel aus dem Verkauf genommen. Nur sie können ihn wieder in den Verkauf geben.',
  'orders.illegal-transition':
    'Der Status der Bestellung erlaubt das nicht mehr. Sehen Sie nach, welchen sie jetzt hat.',
  'orders.no-address':
    'Die Bestellung hat keine Adresse, weil das Konto gelöscht wurde. Sie lässt sich nur noch stornieren.',
  'orders.not-found': 'Diese Bestellung gibt es nicht.',
  'projections.not-found': 'Ein Lesemodell „{view}“ gibt es nicht.',
  'rebuilds.not-found': 'Diesen Neuaufbau gibt es nicht.',
  'rebuilds.over': 'Dieser Neuaufbau läuft nicht mehr, also lässt er sich nicht anhalten.',
  'rebuilds.running': 'Ein Neuaufbau von {view} läuft schon. Warten Sie auf ihn, oder halten Sie ihn zuerst an.',
  'sessions.not-found': 'Diese Sitzung ist schon beendet.',
  'tickets.closed':
    'Die Anfrage ist geschlossen, also können Sie ihren Status nicht ändern. Eine Antwort der Kundschaft öffnet sie wieder.',
  'tickets.not-found': 'Diese Anfrage gibt es nicht.',
  'tickets.unknown-assignee': 'Diese Person ist nicht oder nicht mehr im Support. Wählen Sie eine andere.',
  'users.last-admin': 'Das ist der einzige aktive Admin. Geben Sie zuerst einem anderen Konto die Rolle eines Admins.',
  'users.not-found': 'Dieses Konto gibt es nicht.',
  'users.not-yours': 'Das können nur das Konto selbst und Admins.',
  'users.service-account':
    'Das Konto eines Programms hat weder Passwort noch E-Mail-Adresse. Es benutzt API-Schlüssel.',
};
