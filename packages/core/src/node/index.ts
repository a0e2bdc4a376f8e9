export { folderStore } from './folder-store.ts';
export { fromFolder, readArtifacts } from './from-folder.ts';
export { checkTarget, modelFiles, toFolder, writeFolder } from './to-folder.ts';
