import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { StaticFirstRouter } from '../../src/http/router';

const app = new Hono({ router: new StaticFirstRouter() });
app.use(async (c, next) => {
  await next();
  c.header('Layers', `${c.res.headers.get('Layers') ?? ''}outer,`);
});
app.use('/users/*', async (c, next) => {
  await next();
  c.header('Layers', `${c.res.headers.get('Layers') ?? ''}users,`);
});
app.get('/users/:id', (c) => c.text(`user ${c.req.param('id')}`));
app.get('/users/me', (c) => c.text('me'));
app.patch('/users/:id', (c) => c.text(`change of ${c.req.param('id')}`));
app.post('/letters/:id/replay', (c) => c.text(`replay of ${c.req.param('id')}`));
app.post('/letters/all/replay', (c) => c.text('replay of all letters'));
app.all('/anything', (c) => c.text(`${c.req.method} anything`));

describe('the router', () => {
  test.each([
    ['GET', '/users/7', 'user 7'],
    ['GET', '/users/me', 'me'],
    ['PATCH', '/users/me', 'change of me'],
    ['POST', '/letters/7/replay', 'replay of 7'],
    ['POST', '/letters/all/replay', 'replay of all letters'],
    ['PUT', '/anything', 'PUT anything'],
    ['PUT', '/users/7', '404 Not Found'],
    ['GET', '/users/7/more', '404 Not Found'],
    ['GET', '/', '404 Not Found'],
  ])('%s %s is answered with "%s"', async (method, path, text) => {
    expect(await (await app.request(path, { method })).text()).toBe(text);
  });

  test.each(['/users/7', '/users/me'])('%s passes each layer of middleware once, the outer one last', async (path) => {
    expect((await app.request(path)).headers.get('Layers')).toBe('users,outer,');
  });
});
