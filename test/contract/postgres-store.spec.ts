import { describe } from 'vitest';
import { storeContract } from './store.contract.js';

describe('PostgreSQL', () => storeContract('PostgreSQL'));
