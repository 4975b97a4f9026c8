import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { DOCS_START } from './docs-page.js';
import { ServedFile, ServedText } from './served-file.js';

/** What a path below `docs` serves as it is. */
export interface DocsFile {
  readonly source: ServedFile | ServedText;
  readonly mediaType: string;
}

const CSS = 'text/css; charset=utf-8';
const JAVASCRIPT = 'text/javascript; charset=utf-8';

/** What describes the protocol, for machines. */
export const OPENAPI: DocsFile = { source: ofOurs('openapi.json'), mediaType: 'application/json; charset=utf-8' };
export const ASYNCAPI: DocsFile = { source: ofOurs('asyncapi.yaml'), mediaType: 'text/yaml; charset=utf-8' };

/** What the page is made of, by name. */
export const PAGE_FILES: ReadonlyMap<string, DocsFile> = new Map<string, DocsFile>([
  ['swagger-ui.css', { source: ofSwaggerUi('swagger-ui.css'), mediaType: CSS }],
  ['index.css', { source: ofSwaggerUi('index.css'), mediaType: CSS }],
  ['swagger-ui-bundle.js', { source: ofSwaggerUi('swagger-ui-bundle.js'), mediaType: JAVASCRIPT }],
  ['start.js', { source: new ServedText(DOCS_START), mediaType: JAVASCRIPT }],
]);

/** As far from here in the sources as in the build. */
function ofOurs(name: string): ServedFile {
  return new ServedFile(new URL(`../../docs/${name}`, import.meta.url));
}

function ofSwaggerUi(name: string): ServedFile {
  return new ServedFile(pathToFileURL(createRequire(import.meta.url).resolve(`swagger-ui-dist/${name}`)));
}
