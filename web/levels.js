// The five levels: their names, steps and letters.

/** From the least to the worst, in the order of the counts in the server's answers. */
export const LEVELS = ['debug', 'info', 'warning', 'error', 'critical'];

/**
 * The place in `LEVELS` that a level's number counts to: the step below it.
 * @param {number} levelno
 * @returns {number}
 */
export const stepOf = (levelno) => Math.max(0, Math.min(4, Math.floor(levelno / 10) - 1));

/**
 * How a record's level is called: by its own name, or by its number.
 * @param {{levelname?: string, levelno: number}} record
 * @returns {string}
 */
export const levelName = (record) => record.levelname || String(record.levelno);

/**
 * How a level is asked for alone.
 * @param {number} levelno
 * @returns {string}
 */
export function levelTerm(levelno) {
    const step = stepOf(levelno);
    return `level:=${levelno === (step + 1) * 10 ? LEVELS[step] : levelno}`;
}
