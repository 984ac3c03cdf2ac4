// What keys and buttons do to the view.

import { byId } from './dom.js';
import { startKeys } from './keys.js';
import { sidebar } from './names.js';

/**
 * Listens to keys, and to the buttons that only change the view.
 * @param {object} page
 * @param {() => import('./view.js').View} page.view
 * @param {(changes: object) => void} page.change
 * @param {import('./list.js').List} page.list
 * @param {import('./live.js').Live} page.live
 * @param {(rows: number) => void} page.step to the record so many rows further
 * @param {(record: object) => void} page.open
 * @param {() => void} page.close
 */
export function startCommands({ view, change, list, live, step, open, close }) {
    const toggleLive = () => change({ live: !view().live });
    startKeys([
        { keys: ['/'], shown: '/', does: 'go to the search', act: () => byId('q').select() },
        { keys: ['j'], shown: 'j', does: 'next record', act: () => step(1) },
        { keys: ['k'], shown: 'k', does: 'record before', act: () => step(-1) },
        { keys: ['ArrowDown'], shown: '↓', does: 'next record', act: () => step(1), inList: true },
        { keys: ['ArrowUp'], shown: '↑', does: 'record before', act: () => step(-1), inList: true },
        { keys: ['PageDown'], shown: 'Page ↓', does: 'a page on', act: () => step(list.pageRows), inList: true },
        { keys: ['PageUp'], shown: 'Page ↑', does: 'a page back', act: () => step(-list.pageRows), inList: true },
        { keys: ['Home'], shown: 'Home', does: 'the first record', act: () => list.toEdge('first'), inList: true },
        { keys: ['End'], shown: 'End', does: 'the last one', act: () => list.toEdge('last'), inList: true },
        { keys: ['Enter'], shown: 'Enter', does: 'all of the marked record', act: () => list.selected && open(list.selected), inList: true },
        {
            keys: ['Escape'], shown: 'Esc', does: 'close what is open; from the search to the list',
            act: () => (view().id ? close() : sidebar(false)),
        },
        { keys: ['l'], shown: 'l', does: 'live on and off', act: toggleLive },
        { keys: ['p'], shown: 'p', does: 'pause live, and go on', act: () => view().live && live.pause(!live.isPaused) },
        { keys: ['?'], shown: '?', does: 'this help', act: () => byId('help').showModal() },
    ]);
    byId('live').addEventListener('click', toggleLive);
    byId('order').addEventListener('click', () => change({ order: view().order === 'newest' ? 'oldest' : 'newest' }));
    byId('list').addEventListener('scroll', () => live.letIn(), { passive: true });
}
