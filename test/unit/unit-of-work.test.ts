import { createMemoryUnitOfWork } from '../support/memory-unit-of-work';
import { describeUnitOfWork } from '../support/unit-of-work-contract';

describeUnitOfWork('in memory', () => createMemoryUnitOfWork().unitOfWork);
