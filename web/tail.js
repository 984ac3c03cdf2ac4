// The live tail: reads server-sent events, resumes where it was cut off, hands on what came in batches.

import { address, parseJson, Problem, reachable, request, wait } from './api.js';
import { areOther, idParts } from './place.js';

const EVERY_MS = 40;
const RETRY_MS = 1000;

/**
 * Cuts a stream of server-sent events into events, as the HTML standard has them (9.2.6).
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<{event: string, data: string, id: string|null}>}
 */
export async function* events(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    let event = { event: 'message', data: '', id: null };
    for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
        rest = lines.pop();
        for (const line of lines) {
            if (line === '') {
                if (event.data) yield { ...event, data: event.data.slice(0, -1) };
                event = { event: 'message', data: '', id: null };
                continue;
            }
            const [, field, text] = /^([^:]*):? ?(.*)$/s.exec(line);
            if (field === 'data') event.data += `${text}\n`;
            else if (field === 'event' || field === 'id') event[field] = text;
        }
    }
}

/** Follows one filter until it is stopped. */
export class Tail {
    /**
     * @param {Object<string, string>} filter
     * @param {object} hooks
     * @param {(records: object[]) => void} hooks.onRecords what came, oldest first
     * @param {() => void} hooks.onOpen it begins with what comes from now on: what came before has to be asked for
     * @param {() => void} hooks.onAnew it begins anew, with the records of another file
     * @param {(detail: string) => void} hooks.onBehind it was too slow and goes on where it was left
     * @param {(error: Error) => void} hooks.onError it ended for good
     * @param {string|null} [lastId] where to resume: an id of an event, which only the server reads
     */
    constructor(filter, hooks, lastId = null) {
        Object.assign(this, hooks);
        this.filter = filter;
        this.lastId = lastId;
        // The number of the last record that is known to be stored.
        this.stored = 0;
        this.canceller = new AbortController();
        this.batch = [];
        this.run();
    }

    stop() {
        this.canceller.abort();
        clearTimeout(this.timer);
        this.timer = null;
    }

    async run() {
        const { signal } = this.canceller;
        while (!signal.aborted) {
            try {
                await this.read(signal);
            } catch (error) {
                if (signal.aborted) return;
                if (error instanceof Problem) {
                    this.onError(error);
                    return;
                }
            }
            // The stream has ended: the server stopped, or the way to it broke, or this page was too slow.
            if (!signal.aborted && !(await reachable())) await wait(RETRY_MS);
        }
    }

    async read(signal) {
        const headers = { Accept: 'text/event-stream' };
        if (this.lastId !== null) headers['Last-Event-ID'] = this.lastId;
        const response = await request(address('/api/stream', this.filter), { signal, headers });
        for await (const { event, data, id } of events(response.body)) {
            if (signal.aborted) return;
            if (event === 'message') {
                const record = parseJson(data);
                // The stream goes on with the next file by itself.
                if (this.isOther(id)) this.onAnew();
                this.gather(record);
                this.lastId = id ?? this.lastId;
                this.stored = record.id;
            } else if (event === 'open') {
                this.opened(parseJson(data).last_id, id);
            } else if (event === 'behind') {
                const told = parseJson(data);
                this.lastId = id ?? String(told.resume_after);
                this.onBehind(told.detail);
                return;
            }
        }
    }

    // A stream that begins before what has come already is one of another file.
    opened(lastId, id) {
        const isFirst = this.lastId === null;
        const isAnew = Number.parseInt(lastId, 10) < this.stored || this.isOther(id);
        if (isFirst || isAnew) {
            this.lastId = id ?? String(lastId);
            this.stored = Number.parseInt(lastId, 10);
        }
        if (isFirst) this.onOpen();
        else if (isAnew) this.onAnew();
    }

    // Whether an event is of another file than those before. What came of that and is not handed on yet is of no use any more.
    isOther(id) {
        const isOther = areOther(idParts(id)[1], idParts(this.lastId)[1]);
        if (isOther) this.batch = [];
        return isOther;
    }

    // A thousand records a second are drawn some twenty times a second.
    gather(record) {
        this.batch.push(record);
        this.timer ??= setTimeout(() => {
            this.timer = null;
            const records = this.batch;
            this.batch = [];
            this.onRecords(records);
        }, EVERY_MS);
    }
}
