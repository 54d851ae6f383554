// Shows /openapi.json with Swagger UI, which is a script without modules.
const { SwaggerUIBundle } = /** @type {any} */ (window);

/**
 * All refusals have the same body, so each is one line with its codes, and not an example of its own. So is 304, whose
 * headers are those of 200.
 * @param {any} system
 */
const shortRefusals = (system) => ({
  wrapComponents: {
    /** @param {any} Original */
    response: (Original) => (/** @type {any} */ properties) => {
      const { React, getComponent } = system.getSystem();
      const { code, response } = properties;
      const media = [...(response.get('content')?.keys() ?? [])];
      const isShort = code === '304' || media.includes('application/problem+json');
      if (!isShort) return React.createElement(Original, properties);
      const text = React.createElement(getComponent('Markdown', true), { source: response.get('description') });
      return React.createElement(
        'tr',
        { className: 'response refusal', 'data-code': code },
        React.createElement('td', { className: 'response-col_status' }, code),
        React.createElement('td', { className: 'response-col_description', colSpan: 2 }, text),
      );
    },
  },
});

/**
 * Signs in with the e-mail address and the password alone: this page is a public client, which has no id and no secret to
 * send (RFC 6749, 2.1). Swagger UI would send empty ones as `Authorization: Basic`.
 * @param {any} system
 */
const signIn = (system) => ({
  statePlugins: {
    auth: {
      wrapActions: {
        /** @param {any} authorize */
        authorizePassword: (authorize) => (/** @type {any} */ auth) =>
          authorize({ ...auth, passwordType: 'request-body', clientId: '', clientSecret: '' }),
      },
    },
  },
  wrapComponents: {
    /**
     * Within a form, so that the Enter key signs in. The page does not show the id, which Swagger UI's form requires.
     * @param {any} Original
     */
    oauth2: (Original) => (/** @type {any} */ properties) => {
      const { React } = system.getSystem();
      const onSubmit = (/** @type {Event} */ event) => event.preventDefault();
      return React.createElement('form', { onSubmit, noValidate: true }, React.createElement(Original, properties));
    },
  },
});

/**
 * A document with no more than what stands at a place and the components that it refers to.
 * @param {any} document
 * @param {string[]} place
 */
function partOf(document, [kind = '', name = '', component]) {
  if (kind !== 'paths' && kind !== 'components') return document;
  /** @type {Record<string, Record<string, unknown>>} */
  const components = {};
  const paths = kind === 'paths' ? { [name]: document.paths[name] } : {};
  const names = kind === 'paths' ? [] : Object.keys(document.components[name] ?? {});
  const wanted = names.filter((key) => component === undefined || component === key);
  /** @type {unknown[]} */
  const read = [paths, ...wanted.map((key) => `#/components/${name}/${key}`)];
  // The list grows while it is read.
  for (const value of read) {
    if (typeof value === 'object' && value !== null) read.push(...Object.values(value));
    if (typeof value !== 'string') continue;
    const [, group = '', key = ''] = /^#\/components\/(\w+)\/([\w.-]+)$/.exec(value) ?? [];
    const found = document.components[group]?.[key];
    if (found === undefined || components[group]?.[key] !== undefined) continue;
    components[group] = { ...components[group], [key]: found };
    read.push(found);
  }
  return { ...document, paths, components };
}

/**
 * Before Swagger UI resolves a place, for example an operation that is opened, it brings the whole document into a form of
 * its own, which takes seconds each time. So it gets what the place needs.
 * @param {any} system
 */
const quickResolution = (system) => {
  const { resolveSubtree } = system.getSystem().fn;
  return {
    fn: {
      /**
       * @param {any} document
       * @param {string[]} place
       * @param {unknown[]} rest
       */
      resolveSubtree: (document, place, ...rest) => resolveSubtree(partOf(document, place), place, ...rest),
    },
  };
};

// The dark colours of Swagger UI hang on a class, which follows the reader's system.
const dark = matchMedia('(prefers-color-scheme: dark)');
const followSystem = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', followSystem);
followSystem();

SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  plugins: [shortRefusals, signIn, quickResolution],
  // The address names the operation that is open, so that one can send it to somebody.
  deepLinking: true,
  // The schemas are in the operations; the list at the end is for those who look for it.
  defaultModelsExpandDepth: 0,
  defaultModelExpandDepth: 2,
  displayRequestDuration: true,
  // A token on a shared machine must not outlive the page.
  persistAuthorization: false,
});
