import { instantiate } from './module.ts';
import { workspaces } from './workspace.ts';

export { addressOf, type WasmBackend } from './workspace.ts';

/** The integer kernels of a backend. */
export const { of: workspaceOf, dispose: disposeWorkspace } = workspaces(instantiate);
