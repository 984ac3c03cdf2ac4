// The page: joins its parts, and asks anew when the view changes.

import { ask, isAbort, PAGE, signInBy } from './api.js';
import { startCommands } from './commands.js';
import { Comparison } from './compare.js';
import { Detail } from './detail.js';
import { byId } from './dom.js';
import { first, questions } from './first.js';
import { dropOlder } from './fit.js';
import { HistogramView } from './histogram.js';
import { List } from './list.js';
import { Live } from './live.js';
import { markTerms } from './matches.js';
import { Menus } from './menus.js';
import { Names } from './names.js';
import { busy, count, countRecords, fillPart, partTrouble, say, tellConnection, trouble, waysOut } from './notices.js';
import { Pages } from './pages.js';
import { idParts, keptPlace, Place, wholeId } from './place.js';
import { Renewal } from './renewal.js';
import { Search } from './search.js';
import { openSession } from './session.js';
import { toggled, valuesOf, without, withoutTimes, withTerm } from './terms.js';
import { startTheme } from './theme.js';
import { filterOf, readView, sameFilter, viewSearch } from './view.js';

let { view, canceller } = first;
// The records of the view, the filter of those that are shown, and what live brings while others are asked for.
let loaded, filter, arrived;

const addTerm = (term) => change({ q: withTerm(view.q, term) });
const pages = new Pages({
    ask: (parameters) => ask('/api/records', { ...filter, ...parameters }, canceller.signal),
    timeAt: (row) => histogram.timeAt(row, view.order),
    rowAt: (ms) => histogram.rowAt(ms, view.order),
    onOther: () => reload(),
    onChange: () => { list.draw(); live.letIn(); },
    onShift: (rows) => list.shift(rows),
    onOtherTotal: () => renewal.soon(),
    onError: (error) => failed(error),
});
const list = new List(byId('list'), pages, (record) => open(pages.idOf(record)),
    (record) => view.id && open(pages.idOf(record)));
const place = new Place(byId('list'), () => (arrived ? null : list.firstSeen && pages.idOf(list.firstSeen)));
const histogram = new HistogramView({
    onZoom: (since, until) => change({ since, until, q: withoutTimes(view.q) }),
    onLevel: (level, isChosen) => (isChosen ? change({ q: without(view.q, 'level:') }) : addTerm(`level:${level}`)),
    onOutgrown: () => renewal.soon(),
});
const names = new Names({
    onLogger: (name, among) => change({ q: toggled(view.q, 'name:', name, among) }),
    onHost: (host, among) => change({ q: toggled(view.q, 'host:', host, among) }),
    onTerm: addTerm,
    onType: (text) => search.begin(text),
    view: () => view,
});
const search = new Search({ onSearch: (q) => change({ q }, 'even if it is the same'), known: () => names.known, find: (term) => names.find(term) });
const menus = new Menus({ view: () => view, onChange: (changes) => change(changes), say });
const detail = new Detail({
    onTerm: addTerm, say,
    onClose: () => close(),
    onOpen: (id) => open(id),
    onStep: (rows) => step(rows),
    onMoved: () => pages.file && !isElsewhere() && reload(),
    link: (id) => location.origin + location.pathname + viewSearch({ ...view, live: false, id }),
});
const live = new Live({
    take: (records) => take(records),
    refresh: () => refresh(),
    anew: () => reload(),
    order: () => view.order,
    say,
    onError: (error) => failed(error),
    isAtNewest: () => isAtNewest(),
    toNewest: () => list.scrollTo(view.order === 'newest' ? 0 : list.maxTop),
});

const comparison = new Comparison(histogram, () => view);
const renewal = new Renewal({
    pages, histogram, names, comparison, showCount,
    view: () => view,
    signal: () => canceller.signal,
    may: () => !view.live || live.isFlowing,
    showNames: (answer) => setNames(answer),
    reload: () => reload(),
});

function isAtNewest() {
    return view.order === 'newest' ? list.top < list.rowHeight && pages.atTop : list.top >= list.maxTop - list.rowHeight && pages.atEnd;
}

// What has gone wrong with a question, where it belongs: at the search text or over the list.
function failed(error) {
    if (isAbort(error)) return;
    if (error.parameter === 'q') search.error(error);
    else trouble(error.message, ...waysOut(error, view, () => start(questions(view, canceller.signal)), change));
}

function showCount(total) {
    countRecords(total, Object.keys(filterOf(view)).length === 0);
}

// Draws what comes, in the order in which it comes; until then, each part shows that it belongs to the question before.
function load(answers, signal) {
    trouble('');
    search.error(null);
    count('Counting …');
    for (const id of ['list', 'chart', 'names']) busy(id, true);
    arrived = [];
    for (const part of [histogram, names]) part.asked();
    renewal.after(Promise.all([answers.records, answers.histogram]));
    const records = fillPart('list', answers.records, signal, (page) => showRecords(page, answers), () => {
        pages.forget(view.order);
        list.render();
    });
    records.catch((error) => {
        if (signal.aborted) return;
        showCount(-1);
        count(error.parameter === 'q' ? 'The search text cannot be read.' : 'No answer.');
        failed(error);
    });
    const bars = fillPart('chart', answers.histogram, signal, (answer) => {
        partTrouble('chart-trouble', '');
        histogram.set(answer);
        comparison.begin(signal);
    }, (error) => {
        histogram.set(null);
        partTrouble('chart-trouble', `No histogram: ${error.message}`);
        records.then(() => (pages.isWhole ? setTotal(pages.records.length) : count('Not counted.'))).catch(() => {});
    });
    const tree = fillPart('names', answers.names, signal, setNames, (error) => {
        partTrouble('names-trouble', `No loggers: ${error.message}`);
        names.set({ names: [], hosts: [], fields: [] }, { names: [], hosts: [] }, 0);
    });
    // The total is said of records that are there.
    Promise.all([records, answers.histogram]).then(([, { from }]) => {
        if (signal.aborted) return;
        dropOlder(pages, from, histogram.fresh);
        setTotal(histogram.now.total);
    }).catch(() => {});
    for (const each of [bars, tree]) each.catch(() => {});
    return records.finally(() => { if (!signal.aborted) arrived = null; });
}

function showRecords(page, answers) {
    filter = filterOf(view);
    pages.forget(view.order);
    list.scrollTo(0);
    if (pages.isOther(page.file)) say('The server has begun a new file.');
    pages.begin(page);
    if (page.around) list.stand(page.around, answers.at ? 'first' : 'amid');
    // What live has brought meanwhile may be newer than the answer.
    arrived?.forEach((record) => pages.insert(record));
    if (page.records.length === 0) showCount(0);
    else byId('nothing').hidden = byId('no-records').hidden = true;
    list.render();
    // From now on it is this record, whatever file comes to the place of this one.
    if (view.id && !view.id.includes('@')) change({ id: wholeId(view.id, pages.file) }, 'in place');
    showDetail();
    performance.mark('rows');
    requestAnimationFrame(() => setTimeout(answers.drawn));
    document.documentElement.dataset.answered = String(Number(document.documentElement.dataset.answered ?? 0) + 1);
}

// Shows an answer, and follows it when it is there: what comes before it is part of it.
function start(answers) {
    loaded = load(answers, canceller.signal);
    loaded.catch(() => {});
    follow();
}

// The same without a new beginning of what is followed.
function reload() {
    return load(questions(view, canceller.signal), canceller.signal).catch(() => {});
}

function follow() {
    live.follow(view.live ? filterOf(view) : null, loaded);
}

function setTotal(total) {
    pages.setTotal(total);
    showCount(total);
}

function setNames(answer) {
    partTrouble('names-trouble', '');
    names.set(answer, { names: valuesOf(view.q, 'name:'), hosts: valuesOf(view.q, 'host:') }, histogram.recent ? 0 : histogram.now.total);
}

function take(records) {
    // While all begins anew, what comes may be of another file than what is shown.
    if (arrived) {
        arrived.push(...records);
        for (const part of [histogram, names]) part.add(records);
        return;
    }
    const isFollowing = view.order === 'oldest' && isAtNewest();
    const fresh = records.filter((record) => pages.insert(record));
    if (fresh.length === 0) return;
    histogram.add(fresh);
    names.add(fresh);
    if (pages.total !== null && histogram.isKnown) pages.total = histogram.now.total;
    if (pages.total !== null || pages.atEnd) showCount(pages.total ?? pages.length);
    if (isFollowing) list.scrollTo(list.maxTop);
    list.draw();
}

// Live begins, or begins again: what came before it is asked for, and put in without a flicker.
async function refresh() {
    renewal.soon();
    try {
        const { file, records } = await ask('/api/records', { ...filterOf(view), limit: PAGE }, canceller.signal);
        const joins = pages.records.length === 0 ? records.length === 0 : records.some(({ id }) => pages.rowOf(id) >= 0);
        if (joins && !pages.isOther(file)) {
            // Which of them are counted is seen when the histogram comes.
            const { total } = pages;
            records.forEach((record) => pages.insert(record));
            pages.setTotal(total);
        } else if (pages.isOther(file) || (view.order === 'newest' ? pages.atTop : pages.atEnd)) {
            reload();
        }
    } catch (error) {
        failed(error);
    }
}

function open(id) {
    const hadOne = view.id !== '';
    change({ id }, hadOne ? 'in place' : undefined);
    // A pane that covers the list takes the focus; beside it, the list keeps it and the keys go on.
    const covers = getComputedStyle(byId('detail')).position === 'fixed';
    if (!byId('detail').contains(document.activeElement)) byId(covers ? 'detail-close' : 'list').focus({ preventScroll: true });
}

function close() {
    if (view.id) change({ id: '' });
    byId('list').focus({ preventScroll: true });
}

// A step of the history for each change of the view, but not for each record that is looked at.
function change(changes, how) {
    const next = { ...view, ...changes };
    const search = viewSearch(next);
    const isAnew = !sameFilter(view, next) || view.order !== next.order;
    place.keep();
    if (search !== viewSearch(view)) history[how === 'in place' ? 'replaceState' : 'pushState'](isAnew ? null : history.state, '', search || location.pathname);
    else if (how !== 'even if it is the same') return;
    show(next, how);
}

function show(next, how) {
    const before = view;
    view = next;
    const isNew = !sameFilter(before, next) || before.order !== next.order || how === 'even if it is the same';
    if (isNew) {
        canceller.abort();
        canceller = new AbortController();
        start(questions(view, canceller.signal, how ? '' : keptPlace()));
    } else if (before.compare !== next.compare) {
        comparison.begin(canceller.signal);
    }
    if (!isNew && before.live !== next.live) follow();
    paint();
}

// All that can be told from the view alone.
function paint() {
    search.set(view.q);
    markTerms(view.q);
    menus.show(view);
    histogram.choose(valuesOf(view.q, 'level:'));
    // While live, a count that is said again and again would drown all else.
    byId('count').setAttribute('aria-live', view.live ? 'off' : 'polite');
    list.select(view.id);
    showDetail();
    byId('order').setAttribute('aria-pressed', String(view.order === 'oldest'));
    document.title = view.q ? `${view.q} · logstore` : 'logstore';
}

// Whether the open record is of another file than the list.
const isElsewhere = () => pages.isOther(idParts(view.id)[1]);

function showDetail() {
    detail.show(view.id, view.id ? pages.at(pages.rowOf(view.id)) : undefined);
    detail.noteMoved(isElsewhere());
}

function step(rows) {
    const record = list.step(rows, isElsewhere() ? undefined : detail.record?.cursor);
    if (record && view.id) open(pages.idOf(record));
}

startTheme();
signInBy(openSession);
startCommands({ view: () => view, change, list, live, step, open: (record) => open(pages.idOf(record)), close });
addEventListener('popstate', () => show(readView(location.search)));
tellConnection();

paint();
start(first.answers);
