import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

/** One import, of a value or of a type: `import`, `export … from`, `import()` in an expression or in a type. */
export interface Import {
  /** The importing file, as a path below src. */
  from: string;
  /** A path below src, `package:<specifier>`, `node:<builtin>`, or `missing:<specifier>` for a path that leads nowhere. */
  to: string;
  /** What is taken: exported names, `default`, or `*` for everything. */
  names: string[];
}

export interface ImportGraph {
  files: string[];
  imports: Import[];
}

/** Reads the imports of every TypeScript file below `root`. */
export function readImports(root: string): ImportGraph {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path))
    .toSorted();
  const imports = files.flatMap((from) =>
    importsIn(readFileSync(join(root, from), 'utf8'), from).map(({ specifier, names }) => ({
      from,
      to: targetOf(specifier, from, root),
      names,
    })),
  );
  return { files, imports };
}

/** The imports in the text of one file. */
export function importsIn(source: string, fileName = 'file.ts'): { specifier: string; names: string[] }[] {
  const found: { specifier: string; names: string[] }[] = [];
  const add = (node: ts.Node | undefined, names: string[]) => {
    if (node && ts.isStringLiteralLike(node)) found.push({ specifier: node.text, names });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, importedNames(node.importClause));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, reexportedNames(node.exportClause));
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], ['*']);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node.argument.literal, [node.qualifier?.getText() ?? '*']);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(fileName, source, ts.ScriptTarget.Latest, true));
  return found;
}

function importedNames(clause: ts.ImportClause | undefined): string[] {
  if (!clause) return [];
  const names = clause.name ? ['default'] : [];
  if (!clause.namedBindings) return names;
  if (ts.isNamespaceImport(clause.namedBindings)) return [...names, '*'];
  return [...names, ...clause.namedBindings.elements.map(nameOutside)];
}

function reexportedNames(clause: ts.NamedExportBindings | undefined): string[] {
  return clause && ts.isNamedExports(clause) ? clause.elements.map(nameOutside) : ['*'];
}

/** `a` in `{ a as b }`. */
function nameOutside(element: ts.ImportSpecifier | ts.ExportSpecifier): string {
  return (element.propertyName ?? element.name).text;
}

function targetOf(specifier: string, from: string, root: string): string {
  if (isBuiltin(specifier)) return `node:${specifier.replace(/^node:/, '')}`;
  if (!specifier.startsWith('.')) return `package:${specifier}`;
  const path = resolve(root, dirname(from), specifier);
  const source = [path.replace(/\.js$/, '.ts'), path.replace(/\.jsx?$/, '.tsx'), path].find((file) => existsSync(file));
  return source ? relative(root, source) : `missing:${specifier}`;
}
