/** How much work a study is, in training steps of 32 texts and in measurements. */
export interface Effort {
  /** Of a teacher that is trained for the run. */
  readonly teacher: number;
  readonly distillation: number;
  /** After pruning. */
  readonly recovery: number;
  readonly batchSize: number;
  /** Texts that ranges and scores come from. */
  readonly calibration: number;
  /** Texts that train; all by default. */
  readonly training?: number;
  /** Texts that are evaluated; all by default. */
  readonly evaluation?: number;
  /** Inferences of each model that are timed. */
  readonly rounds: number;
  /** Of a student that has none of the teacher's weights, by the teacher and by labels alone. */
  readonly beginner: number;
  /** Seeds with which it learns. */
  readonly seeds: number;
}

export const full: Effort = {
  ...{ teacher: 1500, distillation: 100, recovery: 60, beginner: 250, batchSize: 32 },
  ...{ calibration: 64, rounds: 200, seeds: 3 },
};

export const quick: Effort = {
  ...{ teacher: 60, distillation: 4, recovery: 2, beginner: 4, batchSize: 8 },
  ...{ calibration: 8, training: 160, evaluation: 40, rounds: 6, seeds: 1 },
};
