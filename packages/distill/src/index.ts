export { distill } from './distill.ts';
export type { DistillOptions } from './options.ts';
export { student, type StudentOptions } from './student.ts';
export { withAnswers } from './answers.ts';
export type { Loss } from './losses.ts';
export type { Pruning, Moment } from './training-masks.ts';
