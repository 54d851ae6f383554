/**
 * The first part of the API documentation: what a newcomer has to know before the first operation.
 * @param url the address of the API, for the examples
 */
export const introduction = (url: string) => `
The back office of a small online shop: accounts, a catalogue of items, orders and a support desk. The examples are for a
shell with \`curl\`, and follow each other:

\`\`\`sh
url=${url}
\`\`\`

## Sign in

Everybody can register, and is a customer then. Sign in with the OAuth 2.0 form, and send the access token with every request:

\`\`\`sh
curl -si $url/v1/users -H 'content-type: application/json' \\
  -d '{"name":"Ada Byron","email":"ada@example.com","password":"correct horse battery"}'
access=$(curl -s $url/v1/auth/token -d grant_type=password -d username=ada@example.com \\
  --data-urlencode 'password=correct horse battery' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
curl -si $url/v1/users/me -H "authorization: Bearer $access"
\`\`\`

An access token is valid for 15 minutes; the \`refresh_token\` beside it gets the next one. On this page, **Authorize**
takes the e-mail address, as \`username\`, and the password, or an access token. Then **Try it out** sends every operation.

## Who may do what

| role | can |
|---|---|
| customer | register, change their own account, place and cancel orders, open tickets and reply on them; nobody else's things exist for a customer |
| agent | also sell items and take any item off sale; read all accounts, orders and tickets; ship and deliver orders; open tickets for customers, reply on them, give them to each other, and add notes that customers never see; read the dashboards |
| admin | also change roles, deactivate accounts, make accounts for programs, read the feed of events, export tables, and use everything under \`/v1/operations\` |

A summary ends with **(agent)** or **(admin)** when the operation needs that role. An admin has all that an agent has. Where the
configuration says \`SELLERS=everyone\`, customers sell items too.

A program that runs by itself sends an API key instead of an access token. Make one with \`POST /v1/api-keys\`, with the scopes that
the program needs; it may do what your account may, within these scopes.

## How fresh a read is

Reads come from a store near you, and can be about a minute old: \`Cache-Status\` says whether the store had the answer
(\`KV; hit\`), and \`Age\` how many seconds ago it was made. To read your own change, send the \`Consistency-Token\` of the change with the read:

\`\`\`sh
id=$(curl -s $url/v1/users/me -H "authorization: Bearer $access" | sed 's/.*"id":"\\([^"]*\\)".*/\\1/')
token=$(curl -si -X PATCH $url/v1/users/$id -H "authorization: Bearer $access" \\
  -H 'content-type: application/json' -d '{"name":"Ada Lovelace"}' \\
  | tr -d '\\r' | sed -n 's/^consistency-token: //Ip')
curl -si $url/v1/users/$id -H "authorization: Bearer $access" -H "consistency-token: $token"
\`\`\`

## Send a command twice without harm

Send a new \`Idempotency-Key\` with every \`POST\`. When an answer is lost, repeat the request with the same key: the command is
carried out once, and the second answer is the first one again.

\`\`\`sh
for attempt in 1 2; do
  curl -si $url/v1/tickets -H "authorization: Bearer $access" -H 'content-type: application/json' \\
    -H 'idempotency-key: 0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11' \\
    -d '{"subject":"My parcel is late","message":"I ordered a teapot two weeks ago. Where is it?"}'
done
\`\`\`

## Change only what you have read

\`ETag\` is the version of what you read. \`If-Match\` refuses a change of any other version, and \`If-None-Match\` saves a read of
what you have. The account has version 2 by now, so this change gets 412:

\`\`\`sh
curl -si -X PATCH $url/v1/users/$id -H "authorization: Bearer $access" -H 'if-match: "1"' \\
  -H 'content-type: application/json' -d '{"name":"Ada King"}'
\`\`\`

## Errors

An error is a problem of RFC 9457, as the last example shows. Decide by its \`code\`, which never changes: [all
codes](/problems), with what to do. \`errors\` names wrong fields, \`details\` has facts, and \`requestId\` finds the request in the
log. The token endpoint alone has the errors of RFC 6749.

After a 503, or no answer at all, wait for \`Retry-After\` seconds and repeat the request, a \`POST\` with the same
\`Idempotency-Key\`.

## Limits

A body has 64 KiB at most, and a page of a list 100 rows; \`nextCursor\` leads to the next page. Signing in, registering and
resetting a password are limited by network and account: 429 has \`Retry-After\`, and \`RateLimit-Policy\` lists the limits.
`;
