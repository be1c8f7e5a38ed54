// What a host keeps beside the streams: contexts, time, shared data, queues, calls, metrics, and the log.
"use strict";

const memory = require("./memory.js");

// Ids grow over all tests of a run: the module keeps its state from one to the next.
let contexts = 0;

class Host {
    constructor() {
        this.plugins = new Map();
        this.streams = [];
        this.filters = new Map();
        this.now = 1_700_000_000_000;
        this.shared = new Map();
        this.versions = 0;
        this.queues = [];
        this.posted = [];
        this.calls = [];
        this.clusters = new Set(["side"]);
        this.metrics = [];
        this.log = [];
        this.hostcalls = 0;
        this.current = 0;
        this.effective = 0;
        this.stopped = false;
        this.linked = true;
        this.after = [];
    }

    newContext() {
        contexts += 1;
        return contexts;
    }

    // The context that hostcalls act on.
    context() {
        return this.effective || this.current;
    }

    exists(id) {
        return this.plugins.has(id) || this.filters.has(id);
    }

    // The plugin of a stream context, or the plugin itself.
    plugin(id) {
        return this.plugins.get(this.filters.get(id)?.plugin ?? id);
    }

    // The callback that the host knows by this name: in a linked module it may be another function.
    callback(name) {
        return (this.linked && { proxy_on_request_body: "mcp_on_request_body" }[name]) || name;
    }

    // Calls into the module. What the module asked for happens after it has returned, never inside.
    vm(context, callback, ...parameters) {
        const saved = [this.current, this.effective];
        [this.current, this.effective] = [context, 0];
        let result = memory.call(this.callback(callback), context, ...parameters);
        [this.current, this.effective] = saved;
        if (this.stopped) result = 1;
        this.stopped = false;
        while (this.after.length > 0) this.after.shift()();
        return result;
    }

    // A turn of the event loop: what was posted to it is done.
    turn() {
        while (this.posted.length > 0) this.posted.shift()();
    }

    configure(id, configuration) {
        this.plugins.get(id).configuration = configuration;
        return this.vm(id, "proxy_on_configure", configuration.length) !== 0;
    }

    // A plugin context, configured. What a refused one had before goes on.
    start(configuration, headersStopAlone) {
        const id = this.newContext();
        this.plugins.set(id, { headersStopAlone, configuration: "", tick: 0 });
        this.vm(id, "proxy_on_context_create", 0);
        this.vm(id, "proxy_on_vm_start", 0);
        return { plugin: id, configured: this.configure(id, configuration) };
    }

    end(id) {
        this.vm(id, "proxy_on_done");
        this.vm(id, "proxy_on_delete");
        this.plugins.delete(id);
    }

    endCall(id, headers, body) {
        const index = this.calls.findIndex((call) => call.id === id && !call.ended);
        const call = this.calls[index];
        call.ended = true;
        this.answer = { headers, body, plugin: call.plugin };
        this.vm(call.plugin, "proxy_on_http_call_response", id, headers.length, body.length, 0);
        this.answer = undefined;
    }
}

module.exports = { Host };
