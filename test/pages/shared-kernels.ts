import { offerTests } from './jest.ts';
import '../../packages/backend-wasm/src/threads/parts.test.ts';

offerTests();
