/** A Hugging Face folder as model.json and shards, in float: `node to-folder.mjs MODEL FOLDER`. */
import { pack } from '../../packages/core/dist/index.js';
import { toFolder } from '../../packages/core/dist/node/index.js';
import { importHuggingFace } from '../../packages/import-hf/dist/index.js';

const [model, folder] = process.argv.slice(2);
toFolder(pack(await importHuggingFace(model)), folder);
