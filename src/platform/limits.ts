/**
 * How much work each part of the system takes on at once. Cloudflare limits an invocation to 1,000 operations of KV and
 * to 1,000 statements of D1, a queue's send to 100 messages and 256 KB, and a value in D1 to 2 MB. The simulation
 * searches with much smaller numbers, so read a limit where it is used, and never copy it at load time.
 */
export const limits = {
  /**
   * Rows of each cell in a list's document: the usual page, and one row that shows that more rows follow. With a larger number
   * each list needs a higher `shapeVersion`, because the documents in KV would be too short for the pages that they serve.
   */
  firstPageSize: 21,
  /** Rows that a page of a list may have. */
  longestPage: 100,
  /**
   * Notes in a ticket's document, and in the longest page of notes. A request's body has at most 64 KiB, and so has a
   * note: ten notes and the message are about 720 KB.
   */
  notesInTicket: 10,
  /** Replies in a ticket's document, and in the longest page of replies. */
  repliesInTicket: 10,
  /**
   * Bytes of JSON of the replies in a ticket's document; fewer than `repliesInTicket` are there if they are long, but the newest
   * one in any case. So a document with ten of the longest notes as well stays below 1 MB.
   */
  replyBytesInTicket: 131_072,
  /** API keys of which an isolate remembers what D1 last said. */
  keyVerdicts: 1000,
  /** Accounts that a search finds. */
  accountsPerSearch: 20,
  /** Names that one statement of the hourly task folds, and how many such statements a run has. */
  namesPerSlice: 500,
  slicesOfNamesPerRun: 20,
  /** Events that a page of the feed has at most. */
  eventsPerFeedPage: 500,
  /** Positions of the log that a page of the feed searches for events of the wanted types. */
  positionsPerFeedPage: 2_000,
  /** Rows in a page of an export, which is in memory as a whole: 24 MB of the largest tickets, and usually less than 1 MB. */
  rowsPerExportPage: 400,
  /** Pages of one export: each has two statements of D1 and one operation of KV. With 400 rows each these are 180,000 rows. */
  pagesPerExport: 450,
  /** Wrong fields that a refusal of an input names. */
  fieldErrorsPerRefusal: 20,
  /** Requests that wait in one isolate for their turn to hash a password; a hash takes about 150 ms. */
  waitingHashes: 8,
  /** Keys that one D1 batch claims and loads: as many of the largest documents as fit into the memory of a Worker. */
  keysPerBatch: 100,
  /** Puts of one run of the projector at a time: an invocation has six connections, and the next one would wait. */
  putsInFlight: 6,
  /** Keys that one run of the projector takes on. Each key is one operation of KV and one or more statements of D1. */
  keysPerInvocation: 400,
  /** Documents of shapes of another version that one run of the schedule removes because they missed an event. */
  obsoleteDocumentsPerRun: 100,
  /** Events that one step of a rebuild replays. */
  eventsPerRebuildStep: 100,
  /** Keys that one step of a rebuild projects: at most as many as one run of the projector takes on. */
  keysPerRebuildStep: 300,
  /** Documents that one step of a rebuild removes. */
  orphansPerRebuildStep: 100,
  /** Rows of `projections` whose documents a slice of the reconciler compares. A bulk get of KV takes 100 keys. */
  keysPerReconcilerSlice: 100,
  /** Keys of KV that a slice of the reconciler looks up. A bulk get of KV takes 100 keys. */
  documentsPerReconcilerSlice: 100,
  /** Slices of each walk of the reconciler in one run: with 10, a round of 1.2 million keys takes 20 hours. */
  reconcilerSlicesPerRun: 10,
  /** Milliseconds between the beginnings of two rounds of the reconciler through all keys. */
  reconcilerRoundMs: 86_400_000,
  /** Pending events that the reconciler reads in one run, to leave out documents that are about to be projected. */
  pendingEventsPerReconcilerRun: 500,
  /** Accounts whose kept counts one run compares with the rows. */
  accountsComparedPerRun: 500,
  /** Rows that one run counts for it; the counts of one account, and those of all rows, are counted at once. */
  rowsCountedPerRun: 100_000,
  /** Days whose sales figures one run compares with the orders: those that the dashboard shows, and one more. */
  salesDaysCompared: 31,
  /** Currencies that the sales dashboard shows: those with the most orders. */
  currenciesInDashboard: 10,
  /** Items of a day that the sales dashboard ranks: those with the most pieces. It reads so many rows for each of 30 days. */
  itemsRankedPerDay: 50,
  /** Items that the sales dashboard shows. */
  bestSellersInDashboard: 10,
  /** How long a dashboard rests after a put, in milliseconds. It is a third of the acceptable lag without a setting. */
  dashboardRestMs: 10_000,
  /** Failing keys that the API lists for one read model. */
  failuresPerView: 20,
  /** Due deliveries of a subscription that the relay takes at once; it sends them in parts of `messagesPerSend`. */
  deliveriesPerRelayRound: 500,
  /** Rounds of one run of the relay for each subscription: 30,000 deliveries, with 360 requests to D1 and to the queue. */
  relayRoundsPerRun: 60,
  /**
   * Deliveries of a subscription that one run of the relay has sent and that are not finished. It is how long a new event waits
   * behind a backlog: a few seconds of the consumers' work, and less than the relay's own wait before the next send.
   */
  deliveriesInFlight: 2_000,
  /** Keys that the relay projects again in one run. */
  keysToRecheckPerRun: 400,
  /** Messages in one send to a queue. */
  messagesPerSend: 100,
  /** Bytes in one send to a queue, of 256,000; each message also has about 100 bytes of metadata. */
  bytesPerSend: 240_000,
  /** Bytes in one message, of 128,000. */
  bytesPerMessage: 120_000,
  /** How often the relay sends an e-mail that the provider puts off. With waits of up to an hour this takes four days. */
  relaySendsPerEmail: 100,
  /** Sends of an e-mail without a clear answer; each may have reached the receiver. */
  unclearSendsPerEmail: 3,
  /** Dead letters that are counted, and the first deliveries of a subscription that the readiness check looks at. */
  deliveriesCounted: 100,
  /** Rows that each figure of the metrics counts at most, so that their cost does not grow with a backlog. */
  figuresCounted: 1_000,
  /** Deliveries, and keys to recheck, that the list of read models counts. Of the keys of one of them it counts `figuresCounted`. */
  backlogCounted: 10_000,
  /** Waiting deliveries, and dead ones, among which the inspection of a document looks for those that touch it. */
  deliveriesPerInspection: 500,
  /** Events of the audit trail among which one page looks for those of a type, because no index has the types. */
  eventsPerTypeSearch: 5_000,
  /** Marks to project a document once more among which one page looks for those of a read model. */
  marksPerSearch: 5_000,
  /** Dead letters of a subscription that are grouped by their errors. */
  deadLettersGrouped: 1_000,
  /** Decisions about dead letters among which a discard is looked for, to tell what was done from what was given up. */
  decisionsSearched: 100,
  /** Dead letters that one command changes; its event names each of them. */
  deadLettersPerCommand: 500,
  /** Bytes of JSON in one parameter of a commit. The larger values of a commit go into several statements of its batch. */
  bytesPerParameter: 1_000_000,
  /** Rows that one step of an erasure takes, each with one or two events. */
  rowsPerErasureStep: 100,
  /** Refresh tokens and sessions that one step of an erasure deletes. */
  sessionsPerErasureStep: 1_000,
  /** Notes that one step of an erasure deletes, and replies. */
  notesPerErasureStep: 1_000,
  /** Milliseconds for which a link works that confirms an e-mail address, and for which the row of a used one is kept. */
  confirmationLinkMs: 7 * 86_400_000,
  /** Accounts whose tickets one run of the schedule releases. */
  assigneesReleasedPerRun: 20,
  /** Tickets that one commit releases, each with an event, and how many such commits a run has for one account. */
  ticketsPerRelease: 100,
  releasesPerRun: 10,
  /** Pending changes of an e-mail address that one run of the schedule ends, each with an event. */
  emailChangesExpiredPerRun: 100,
  /** Expired rows that one statement of the clean-up deletes, so that it does not delay commands. */
  expiredRowsPerSlice: 1_000,
  /** Slices of each table that one run of the clean-up deletes. With a run each minute, these are 166 rows a second. */
  slicesPerCleanUp: 10,
};

/**
 * How long something may take, in milliseconds; read a deadline where it is used, like a limit. D1 is known to stall for 30
 * to 80 seconds, and its documentation names no time after which a call ends.
 */
export const deadlines = {
  /** One call of D1 in a request. */
  requestCallMs: 5_000,
  /** A commit with all its tries, and the looks for its events: a little more than two calls that are given up. */
  commitMs: 10_500,
  /** One call of D1 in a queue consumer, in the schedule, or after a response. */
  backgroundCallMs: 30_000,
  /** The one call of KV in a read; D1 answers instead of a KV that is late. */
  readFromKvMs: 2_000,
  /** One call of D1 or KV in the readiness check. */
  readinessMs: 2_000,
  /** After this time a run of the reconciler takes no further slice; a slice has the deadlines of its calls. */
  reconcilerMs: 20_000,
  /** After this time a run of the relay takes no further round; the next run starts a minute after it. */
  relayMs: 50_000,
  /** How long a response waits for the documents that decide about access. */
  inlineProjectionMs: 3_000,
};
