// Times as people read them: local in the list, exact on hover, and back into what the server reads.

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (number) => String(number).padStart(2, '0');

/**
 * Milliseconds since 1970 of an RFC 3339 time.
 * @param {string} rfc3339
 * @returns {number}
 */
export const parse = (rfc3339) => Date.parse(rfc3339.replace(/(\.\d{3})\d+/, '$1'));

const clock = (date) => `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
const isoDay = (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;

function offset(date) {
    const minutes = -date.getTimezoneOffset();
    const size = Math.abs(minutes);
    return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/**
 * Day and time of a row in local time, apart, since a narrow list shows only the time.
 * @param {string} created RFC 3339
 * @returns {{day: string, time: string}}
 */
export function rowTime(created) {
    const date = new Date(parse(created));
    const millis = String(date.getMilliseconds()).padStart(3, '0');
    const isThisYear = date.getFullYear() === new Date().getFullYear();
    return { day: isThisYear ? `${MONTHS[date.getMonth()]} ${two(date.getDate())}` : isoDay(date), time: `${clock(date)}.${millis}` };
}

/**
 * A record's time with all its digits, local with its offset.
 * @param {string} created RFC 3339 in UTC
 * @returns {string}
 */
export function exactTime(created) {
    const date = new Date(parse(created));
    const fraction = /\.\d+/.exec(created)?.[0] ?? '';
    return `${isoDay(date)} ${clock(date)}${fraction} ${offset(date)}`;
}

/**
 * A moment as short as the width of what is shown allows.
 * @param {number} ms
 * @param {number} spanMs how much is shown
 * @returns {string}
 */
export function tick(ms, spanMs) {
    const date = new Date(ms);
    const day = `${MONTHS[date.getMonth()]} ${date.getDate()}`;
    if (spanMs > 400 * 864e5) return `${day} ${date.getFullYear()}`;
    if (spanMs > 3 * 864e5) return day;
    const time = spanMs < 5e3 ? `${clock(date)}.${String(date.getMilliseconds()).padStart(3, '0')}` : clock(date);
    const short = spanMs > 5 * 6e4 ? time.slice(0, 5) : time;
    return spanMs > 12 * 36e5 ? `${day} ${short}` : short;
}

/**
 * Nanoseconds since 1970 of an RFC 3339 time.
 * @param {string} rfc3339
 * @returns {bigint}
 */
export function nanos(rfc3339) {
    const [, whole, fraction = '', zone] = /^([^.]*?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(rfc3339);
    return BigInt(Date.parse(whole + zone)) * 1_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9));
}

/**
 * The other way round.
 * @param {bigint} ns
 * @returns {string|null} null where no record can be, outside of the years 1677 to 2262
 */
export function ofNanos(ns) {
    if (BigInt.asIntN(64, ns) !== ns) return null;
    const seconds = (ns - ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n) / 1_000_000_000n;
    const fraction = String(ns - seconds * 1_000_000_000n).padStart(9, '0');
    return new Date(Number(seconds) * 1000).toISOString().replace('.000Z', `.${fraction}Z`);
}

/**
 * A moment for the server, in UTC: the first or the last instant of its millisecond.
 * @param {number} ms
 * @param {'first'|'last'} edge
 * @returns {string}
 */
export function instant(ms, edge) {
    const text = new Date(ms).toISOString();
    return edge === 'last' ? text.replace(/Z$/, '999999Z') : text;
}

/**
 * What was typed as a time, with this browser's offset where it has none: the server may be elsewhere.
 * @param {string} text
 * @param {'first'|'last'} edge which end of a whole day or minute is meant
 * @returns {string}
 */
export function withOffset(text, edge) {
    const parts = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(:\d\d(?:\.\d+)?)?)?$/.exec(text.trim());
    if (!parts) return text.trim();
    const [, day, minute, seconds] = parts;
    const end = edge === 'last';
    const time = minute ? minute + (seconds ?? ':00') : end ? '23:59:59.999999999' : '00:00:00';
    const date = new Date(`${day}T${time.slice(0, 8)}`);
    return Number.isNaN(date.getTime()) ? text.trim() : `${day}T${time}${offset(date)}`;
}

/**
 * A time of the URL for people: RFC 3339 becomes local time, all else stays.
 * @param {string} text
 * @returns {string}
 */
export function shownTime(text) {
    if (!/^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text)) return text;
    const date = new Date(parse(text));
    const fraction = /\.\d*[1-9]/.exec(text)?.[0] ?? '';
    return Number.isNaN(date.getTime()) ? text : `${isoDay(date)} ${clock(date)}${fraction}`;
}

/**
 * A length of time in its largest fitting unit.
 * @param {number} ms
 * @returns {string}
 */
export function duration(ms) {
    for (const [unit, size] of [['w', 6048e5], ['d', 864e5], ['h', 36e5], ['min', 6e4], ['s', 1e3]]) {
        if (ms >= size) return `${Math.round((ms / size) * 10) / 10} ${unit}`;
    }
    return `${ms} ms`;
}

/** A whole number with its thousands apart. @type {(number: number) => string} */
export const grouped = (number) => number.toLocaleString('en-US');
