// What the generator of the OpenAPI document loads of zod. wrangler.toml puts this module in the place of all of zod's core, whose
// error messages in fifty languages nobody reads and would be a quarter of the bundle.
export { toJSONSchema } from 'zod';
