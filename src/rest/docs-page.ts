/** What a browser may do on the page: run, show and ask for what comes from here, and nothing else. */
export const DOCS_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  // The icons of the stylesheet are in it.
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * The page that shows the REST API to people.
 *
 * @param docs where `docs` is, as seen from the page: whatever is before it, a host's prefix or a proxy's, is not ours to know.
 */
export function docsPage(docs: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Metricast: REST API</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="${docs}/ui/swagger-ui.css">
    <link rel="stylesheet" href="${docs}/ui/index.css">
  </head>
  <body>
    <noscript>This page needs JavaScript. What it shows is <a href="${docs}/openapi.json">openapi.json</a>.</noscript>
    <div id="api"></div>
    <script src="${docs}/ui/swagger-ui-bundle.js"></script>
    <script src="${docs}/ui/start.js"></script>
  </body>
</html>
`;
}

/** Begins to show the document. A file of its own, because the page may hold no script. */
export const DOCS_START = `'use strict';
SwaggerUIBundle({
  url: new URL('../openapi.json', document.currentScript.src).href,
  domNode: document.getElementById('api'),
  deepLinking: true,
  // Else it would have the document judged by a site on the internet.
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
});
`;
