// A fake Proxy-Wasm host for the adapter's tests in node: the hostcalls of ABI 0.2.1 that the filter makes, and `host`,
// by which a test plays client, upstream and event loop. A status that Envoy would answer is answered; a hostcall that
// is not here throws.
"use strict";

const memory = require("./memory.js");
const { Host } = require("./host.js");
const { Stream } = require("./stream.js");

memory.follow(module.parent);

const OK = 0;
const NOT_FOUND = 1;
const BAD_ARGUMENT = 2;
const SERIALIZATION_FAILURE = 3;
const EMPTY = 7;
const CAS_MISMATCH = 8;
const INTERNAL_FAILURE = 10;
// A kind of metric.
const HISTOGRAM = 2;

// Where a verified token is.
const PAYLOAD = ["metadata", "filter_metadata", "envoy.filters.http.jwt_authn", "payload"];

let host = new Host();

const filter = () => host.filters.get(host.context());
const path = (response) => filter()?.stream[response ? "response" : "request"];

// The response to a call is shown to the plugin that made it, and to its streams.
const answer = () => (host.answer?.plugin === (filter()?.plugin ?? host.context()) ? host.answer : undefined);

const map = (kind) => {
    if (kind === 0 || kind === 2) return path(kind === 2)?.headersOf(host.context());
    if (kind === 1 || kind === 3) return path(kind === 3)?.trailerMap;
    if (kind === 6) return answer()?.headers;
    throw new Error(`header map ${kind} is not modelled`);
};

const buffer = (kind) => {
    if (kind === 0 || kind === 1) return path(kind === 1)?.bodyOf(host.context());
    if (kind === 4) return answer() && { bytes: answer().body };
    if (kind === 7) return { bytes: host.plugin(host.current).configuration };
    throw new Error(`buffer ${kind} is not modelled`);
};

const remove = (pairs, name) => {
    for (let index = pairs.length - 1; index >= 0; index--) {
        if (pairs[index][0] === name) pairs.splice(index, 1);
    }
};

const hostcalls = {
    proxy_log(level, pointer, length) {
        const line = memory.text(pointer, length);
        host.log.push([level, line]);
        // A panic: the test that caused it has no other voice.
        if (level === 5) console.error(line);
        return OK;
    },
    proxy_get_current_time_nanoseconds(at) {
        const nanoseconds = BigInt(host.now) * 1_000_000n;
        memory.setWord(at, Number(nanoseconds & 0xffffffffn));
        memory.setWord(at + 4, Number(nanoseconds >> 32n));
        return OK;
    },
    proxy_set_tick_period_milliseconds(period) {
        host.plugin(host.context()).tick = period;
        return OK;
    },
    proxy_set_effective_context(id) {
        if (!host.exists(id)) return BAD_ARGUMENT;
        host.effective = id;
        return OK;
    },
    proxy_get_header_map_pairs(kind, pointerAt, lengthAt) {
        const pairs = map(kind) ?? [];
        memory.give(pairs.length > 0 ? memory.pack(pairs) : "", pointerAt, lengthAt);
        return OK;
    },
    proxy_get_header_map_value(kind, name, nameLength, pointerAt, lengthAt) {
        const pairs = map(kind);
        if (!pairs) return BAD_ARGUMENT;
        const pair = pairs.find(([key]) => key === memory.text(name, nameLength));
        if (!pair) return NOT_FOUND;
        memory.give(pair[1], pointerAt, lengthAt);
        return OK;
    },
    proxy_replace_header_map_value(kind, name, nameLength, value, valueLength) {
        const pairs = map(kind);
        if (!pairs) return BAD_ARGUMENT;
        remove(pairs, memory.text(name, nameLength));
        pairs.push([memory.text(name, nameLength), memory.text(value, valueLength)]);
        return OK;
    },
    proxy_add_header_map_value(kind, name, nameLength, value, valueLength) {
        const pairs = map(kind);
        if (!pairs) return BAD_ARGUMENT;
        pairs.push([memory.text(name, nameLength), memory.text(value, valueLength)]);
        return OK;
    },
    proxy_remove_header_map_value(kind, name, nameLength) {
        const pairs = map(kind);
        if (!pairs) return BAD_ARGUMENT;
        remove(pairs, memory.text(name, nameLength));
        return OK;
    },
    proxy_get_buffer_bytes(kind, start, length, pointerAt, lengthAt) {
        const data = buffer(kind);
        if (!data) return NOT_FOUND;
        if ((start >>> 0) + (length >>> 0) > 0xffffffff) return BAD_ARGUMENT;
        memory.give(data.bytes.substr(start, length), pointerAt, lengthAt);
        return OK;
    },
    proxy_set_buffer_bytes(kind, start, length, pointer, size) {
        const data = buffer(kind);
        if (!data) return BAD_ARGUMENT;
        if (start !== 0 || length >>> 0 < data.bytes.length) throw new Error("only whole buffers are replaced");
        data.bytes = memory.text(pointer, size);
        return OK;
    },
    proxy_get_property(pointer, length, pointerAt, lengthAt) {
        const path = memory.text(pointer, length).split("\0");
        const { stream } = filter();
        const isClaim = PAYLOAD.every((part, index) => path[index] === part);
        const isDetails = path.join(".") === "response.code_details";
        if (!isClaim && !isDetails) throw new Error(`property ${path} is not modelled`);
        const value = isClaim ? stream.claim(path.slice(PAYLOAD.length)) : stream.details;
        if (value === undefined) return NOT_FOUND;
        if (value === null) return SERIALIZATION_FAILURE;
        memory.give(value, pointerAt, lengthAt);
        return OK;
    },
    proxy_continue_stream(kind) {
        const context = host.context();
        const resumed = path(kind === 1);
        if (kind === 0 && resumed.step(context)) resumed.step(context).open = false;
        host.after.push(() => resumed.resumeContext(context));
        return OK;
    },
    proxy_close_stream() {
        const { stream } = filter();
        host.after.push(() => stream.cut());
        return OK;
    },
    proxy_send_local_response(status, _details, _detailsLength, body, bodyLength, headers, headersLength) {
        const { stream } = filter();
        const parameters = [status, memory.unpack(headers, headersLength), memory.text(body, bodyLength)];
        host.after.push(() => stream.answer(...parameters));
        host.stopped = true;
        return OK;
    },
    proxy_http_call(cluster, clusterLength, headers, headersLength, body, bodyLength, _t, _tl, timeout, idAt) {
        const name = memory.text(cluster, clusterLength);
        if (!host.clusters.has(name)) return name === "empty" ? INTERNAL_FAILURE : BAD_ARGUMENT;
        const id = host.newContext() * 4;
        host.calls.push({
            id,
            plugin: filter()?.plugin ?? host.context(),
            cluster: name,
            headers: memory.unpack(headers, headersLength),
            body: memory.text(body, bodyLength),
            timeout,
            ended: false,
        });
        memory.setWord(idAt, id);
        return OK;
    },
    proxy_get_shared_data(key, keyLength, pointerAt, lengthAt, versionAt) {
        const entry = host.shared.get(memory.text(key, keyLength));
        if (!entry) return NOT_FOUND;
        memory.give(entry.value, pointerAt, lengthAt);
        memory.setWord(versionAt, entry.version);
        return OK;
    },
    proxy_set_shared_data(key, keyLength, value, valueLength, version) {
        const name = memory.text(key, keyLength);
        const entry = host.shared.get(name);
        if (entry && version !== 0 && version >>> 0 !== entry.version) return CAS_MISMATCH;
        host.versions += 1;
        host.shared.set(name, { value: memory.text(value, valueLength), version: host.versions });
        return OK;
    },
    proxy_register_shared_queue(name, length, idAt) {
        const text = memory.text(name, length);
        let id = host.queues.findIndex((queue) => queue.name === text);
        if (id < 0) id = host.queues.push({ name: text, items: [] }) - 1;
        host.queues[id].plugin = filter()?.plugin ?? host.context();
        memory.setWord(idAt, id + 1);
        return OK;
    },
    proxy_enqueue_shared_queue(id, pointer, length) {
        const queue = host.queues[id - 1];
        if (!queue) return NOT_FOUND;
        queue.items.push(memory.text(pointer, length));
        const { plugin } = queue;
        host.posted.push(() => host.vm(plugin, "proxy_on_queue_ready", id));
        return OK;
    },
    proxy_dequeue_shared_queue(id, pointerAt, lengthAt) {
        const queue = host.queues[id - 1];
        if (!queue) return NOT_FOUND;
        if (queue.items.length === 0) return EMPTY;
        memory.give(queue.items.shift(), pointerAt, lengthAt);
        return OK;
    },
    proxy_set_property(name, length, value, size) {
        const { stream } = filter();
        if (stream.owned.has(memory.text(name, length))) return BAD_ARGUMENT;
        stream.filterState[memory.text(name, length)] = memory.text(value, size);
        return OK;
    },
    proxy_define_metric(kind, name, length, idAt) {
        const value = kind === HISTOGRAM ? [] : 0;
        memory.setWord(idAt, host.metrics.push({ name: memory.text(name, length), value }));
        return OK;
    },
    proxy_increment_metric(id, offset) {
        if (!host.metrics[id - 1]) return NOT_FOUND;
        host.metrics[id - 1].value += Number(offset);
        return OK;
    },
    proxy_record_metric(id, value) {
        const metric = host.metrics[id - 1];
        if (!metric) return NOT_FOUND;
        if (Array.isArray(metric.value)) metric.value.push(Number(value));
        else metric.value = Number(value);
        return OK;
    },
};

const pick = (object, names) => Object.fromEntries(names.map((name) => [name, object[name]]));

const counted = (hostcall) => (...parameters) => {
    host.hostcalls += 1;
    return hostcall(...parameters);
};

// What a test may have happen. Each is followed by a turn of the event loop.
const events = {
    start: ({ configuration, headersStopAlone }) => host.start(configuration, headersStopAlone),
    configure: ({ plugin, configuration }) => host.configure(plugin, configuration),
    end: ({ plugin }) => host.end(plugin),
    unlink: () => {
        host.linked = false;
    },
    open: ({ chain }) => host.streams.push(new Stream(host, chain)) - 1,
    token: ({ stream, claims }) => {
        host.streams[stream].token = claims;
    },
    own: ({ stream, name }) => host.streams[stream].owned.add(name),
    requestHeaders: ({ stream, headers, end }) => host.streams[stream].request.begin(headers, end),
    requestBody: ({ stream, bytes, end }) => host.streams[stream].request.piece(bytes, end),
    requestTrailers: ({ stream, trailers }) => host.streams[stream].request.end(trailers),
    letThrough: ({ stream }) => host.streams[stream].letThrough(),
    responseHeaders: ({ stream, headers, end }) => host.streams[stream].response.begin(headers, end),
    responseBody: ({ stream, bytes, end }) => host.streams[stream].response.piece(bytes, end),
    responseTrailers: ({ stream, trailers }) => host.streams[stream].response.end(trailers),
    hostAnswers: ({ stream, status, body }) => {
        host.streams[stream].details = "of_the_host";
        host.streams[stream].answer(status, [], body);
    },
    leave: ({ stream }) => host.streams[stream].over(),
    endCall: ({ call, headers, body }) => host.endCall(call, headers, body),
    tick: ({ plugin, milliseconds }) => {
        host.now += milliseconds;
        host.vm(plugin, "proxy_on_tick");
    },
    stream: ({ stream }) => host.streams[stream].state(),
    state: () => ({ ...pick(host, ["calls", "log", "metrics", "hostcalls"]), plugins: [...host.plugins.values()] }),
};

// A metric is defined once in a VM, so it outlives the host that a test starts with.
const reset = () => {
    const { metrics } = host;
    for (const stream of host.streams) stream.over();
    for (const plugin of host.plugins.keys()) host.end(plugin);
    host = new Host();
    host.metrics = metrics;
};

exports.host = (text) => {
    const { event, ...parameters } = JSON.parse(text);
    if (event === "reset") return JSON.stringify(reset() ?? null);
    const result = events[event](parameters);
    host.turn();
    return JSON.stringify(result ?? null);
};

// Unknown hostcalls link, since the SDK names the whole of the ABI, and throw when they are made.
module.exports = new Proxy(
    { ...Object.fromEntries(Object.entries(hostcalls).map(([name, call]) => [name, counted(call)])), ...exports },
    {
        get: (known, name) =>
            known[name] ??
            (() => {
                throw new Error(`hostcall ${String(name)} is not modelled`);
            }),
    },
);
