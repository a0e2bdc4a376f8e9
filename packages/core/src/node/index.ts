export { fromFolder, readArtifacts } from './from-folder.ts';
export { checkTarget, modelFiles, toFolder, writeFolder } from './to-folder.ts';
