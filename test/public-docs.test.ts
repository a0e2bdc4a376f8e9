import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

const packages = join(__dirname, '../packages');

/** The entries of every package, as its package.json names them. */
const entries = readdirSync(packages).flatMap((name) => {
  const { exports } = JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8')) as {
    exports: Record<string, { '@cq/source': string | { default: string } }>;
  };
  return Object.entries(exports).map(([path, { '@cq/source': source }]) => ({
    entry: join(name, path),
    file: join(packages, name, typeof source === 'string' ? source : source.default),
  }));
});

const parsed = new Map<string, ts.SourceFile>();

function parse(file: string): ts.SourceFile {
  let source = parsed.get(file);
  if (!source) {
    source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022, true);
    parsed.set(file, source);
  }
  return source;
}

interface Found {
  readonly name: string;
  readonly declaration: ts.Node;
}

/** Where the exports of a file are declared, through every `export { … } from`. Syntax alone: no types are computed. */
function exportsOf(file: string): Found[] {
  const source = parse(file);
  return source.statements.flatMap((statement): Found[] => {
    if (ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)) {
      const from = statement.moduleSpecifier as ts.StringLiteral | undefined;
      return statement.exportClause.elements.map(({ name, propertyName }) => ({
        name: name.text,
        declaration: declared((propertyName ?? name).text, from ? join(dirname(file), from.text) : file),
      }));
    }
    return named(statement)
      .map((found) => (isExported(statement) ? found : undefined))
      .filter((found) => !!found);
  });
}

function declared(name: string, file: string): ts.Node {
  const { statements } = parse(file);
  for (const found of statements.flatMap(named)) if (found.name === name) return found.declaration;
  for (const statement of statements) {
    const from = sourceOf(statement);
    const specifier = from ? specifiersOf(statement).find((each) => each.name.text === name) : undefined;
    if (from && specifier) return declared((specifier.propertyName ?? specifier.name).text, join(dirname(file), from));
  }
  throw new Error(`${file}: ${name} is declared nowhere`);
}

const sourceOf = (statement: ts.Statement): string | undefined =>
  ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)
    ? (statement.moduleSpecifier as ts.StringLiteral | undefined)?.text
    : undefined;

/** The names in braces of an import or an export. */
function specifiersOf(statement: ts.Statement): readonly (ts.ImportSpecifier | ts.ExportSpecifier)[] {
  const clause = ts.isImportDeclaration(statement)
    ? statement.importClause?.namedBindings
    : ts.isExportDeclaration(statement)
      ? statement.exportClause
      : undefined;
  return clause && 'elements' in clause ? clause.elements : [];
}

function named(statement: ts.Statement): Found[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ name }) => ({ name: name.getText(), declaration: statement }));
  const { name } = statement as { name?: ts.Identifier };
  return name ? [{ name: name.text, declaration: statement }] : [];
}

const isExported = (statement: ts.Statement): boolean =>
  ts.canHaveModifiers(statement) &&
  (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);

const isDocumented = (node: ts.Node): boolean =>
  ts.getJSDocCommentsAndTags(node).some((comment) => ts.isJSDoc(comment) && comment.getText().length > 10);

/** Options are what users read first: each of their fields counts, too. */
function fieldsOf({ name, declaration }: Found): Found[] {
  if (!ts.isInterfaceDeclaration(declaration) || !name.endsWith('Options')) return [];
  return declaration.members.map((member) => ({
    name: `${name}.${member.name?.getText() ?? '()'}`,
    declaration: member,
  }));
}

test.each(entries)('all that $entry exports is documented, and every field of its options', ({ file }) => {
  expect(existsSync(file)).toBe(true);
  const found = exportsOf(file);
  expect(found.length).toBeGreaterThan(0);
  const bare = [...found, ...found.flatMap(fieldsOf)].filter(({ declaration }) => !isDocumented(declaration));
  expect(
    bare.map(({ name, declaration }) => `${name} (${declaration.getSourceFile().fileName.split('/packages/')[1]})`),
  ).toEqual([]);
});
