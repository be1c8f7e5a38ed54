// One HTTP stream: a client, filters, an upstream, and what each of the outer two has got to see.
"use strict";

const memory = require("./memory.js");
const { Path } = require("./path.js");

const request = {
    headers: "proxy_on_request_headers",
    body: "proxy_on_request_body",
    trailers: "proxy_on_request_trailers",
};
const response = {
    headers: "proxy_on_response_headers",
    body: "proxy_on_response_body",
    trailers: "proxy_on_response_trailers",
};

// One end of the stream, as it sees the other.
const newSight = () => ({ headers: undefined, body: "", trailers: undefined, ended: false });

const see = (sight, whenEnded) => {
    const end = (ended) => {
        if (!ended) return;
        sight.ended = true;
        whenEnded();
    };
    return {
        headers(map, ended) {
            sight.headers = structuredClone(map);
            end(ended);
        },
        data(bytes, ended) {
            sight.body += bytes;
            end(ended);
        },
        trailers(map) {
            sight.trailers = map;
            end(true);
        },
    };
};

// A value of a token in Envoy's bytes, or `null`.
const written = (value) => {
    if (value === null || typeof value === "string") return value;
    if (typeof value === "boolean") return value ? "\u0001" : "\0";
    if (typeof value === "number") return Buffer.from(Float64Array.of(value).buffer).toString("latin1");
    const pairs = Array.isArray(value)
        ? value.map((item) => [written(item), ""])
        : Object.entries(value).map(([name, member]) => [name, written(member)]);
    return pairs.flat().includes(null) ? null : memory.pack(pairs);
};

class Stream {
    // `chain`: plugin ids in order, or `null` for a filter that holds the headers until `letThrough`.
    constructor(host, chain) {
        this.host = host;
        this.upstream = newSight();
        this.downstream = newSight();
        this.reset = false;
        this.closed = false;
        this.details = "via_upstream";
        this.token = undefined;
        this.filterState = {};
        // Names in the filter state that are another filter's.
        this.owned = new Set();
        this.filters = chain.map((plugin) => this.newFilter(plugin));
        this.request = new Path(host, this.filters, request, see(this.upstream, () => {}));
        this.response = new Path(host, this.filters.toReversed(), response, see(this.downstream, () => this.over()));
    }

    newFilter(plugin) {
        if (plugin === null) return { held: true };
        const context = this.host.newContext();
        const { headersStopAlone } = this.host.plugins.get(plugin);
        const filter = { context, plugin, headersStopAlone, stream: this, created: false };
        filter.run = (callback, ...parameters) => {
            if (!filter.created) this.host.vm(context, "proxy_on_context_create", plugin);
            filter.created = true;
            return this.host.vm(context, callback, ...parameters);
        };
        this.host.filters.set(context, filter);
        return filter;
    }

    // The filter between the halves of a pair has what it waited for.
    letThrough() {
        const index = this.filters.findIndex((filter) => filter.context === undefined);
        this.filters[index].held = false;
        if (this.request.steps[index].state === "stopped all") this.request.resume(index);
    }

    // What the verified token says at `path`, as Envoy writes it; `null` where it cannot. Where a filter verifies the
    // token, that is there once it has let the headers go.
    claim(path) {
        if (!this.token || this.filters.some((filter) => filter.held)) return undefined;
        const step = (value, name) => {
            if (Array.isArray(value)) return value[Number.parseInt(name, 10)];
            return value instanceof Object ? value[name] : undefined;
        };
        const value = path.reduce(step, this.token);
        return value === undefined ? undefined : written(value);
    }

    // A response of the host's own, or of a filter: in place of whatever else, once.
    answer(status, headers, body) {
        if (this.closed) return;
        if (this.downstream.headers) return this.cut();
        this.request.dead = true;
        const map = [[":status", `${status}`], ...headers];
        if (body.length > 0) map.push(["content-length", `${body.length}`]);
        if (this.response.map) {
            // A response was on its way through the filters: this one goes past them.
            this.response.dead = true;
            const sight = see(this.downstream, () => this.over());
            sight.headers(map, body.length === 0);
            if (body.length > 0) sight.data(body, true);
            return;
        }
        this.response.steps = this.response.steps.filter((step) => step.filter.created);
        this.response.begin(map, body.length === 0);
        if (body.length > 0) this.response.piece(body, true);
    }

    cut() {
        if (this.closed) return;
        this.reset = true;
        this.over();
    }

    // Both ends are done with it, or one has left: later callbacks would be wrong.
    over() {
        if (this.closed) return;
        this.closed = true;
        this.request.dead = true;
        this.response.dead = true;
        for (const filter of this.filters.filter((filter) => filter.created)) {
            this.host.vm(filter.context, "proxy_on_done");
            this.host.vm(filter.context, "proxy_on_delete");
            this.host.filters.delete(filter.context);
        }
    }

    state() {
        const { upstream, downstream, reset, closed, filterState } = this;
        return { upstream, downstream, reset, closed, filterState };
    }
}

module.exports = { Stream };
