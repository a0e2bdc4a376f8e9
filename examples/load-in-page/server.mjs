/**
 * Serves this folder, and a compressed model as /model, with the two headers that threads need.
 *
 *     node examples/load-in-page/server.mjs out/digits-int8 [PORT]
 */
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const [model, port = '8080'] = process.argv.slice(2);
if (!model) throw new Error('server: give the folder of a compressed model; npm start writes out/digits-int8');

const types = { '.html': 'text/html', '.js': 'text/javascript', '.json': 'application/json' };
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

const server = createServer(({ url }, response) => {
  const { pathname } = new URL(url, 'http://localhost'); // which has no "..": the parser resolves them
  const name = pathname === '/' ? '/index.html' : pathname;
  const file = name.startsWith('/model/') ? join(model, name.slice('/model'.length)) : join(here, name);
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found?.isFile()) return void response.writeHead(404).end();
  const type = types[extname(file)] ?? 'application/octet-stream';
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': found.size, ...isolation });
  createReadStream(file).pipe(response);
});
server.listen(Number(port), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
