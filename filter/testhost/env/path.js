// One direction of a stream through its filters, as Envoy's filter manager leads it: a filter that stops at the headers
// stops the body behind it, too (unless its plugin is told otherwise), a stopped body is buffered once for all filters,
// and a filter that resumes pushes on what is there.
"use strict";

const CONTINUE = 0;
const PAUSE = 1;

class Path {
    // `callbacks`: names of the module's functions. `sink`: takes what has passed all filters.
    constructor(host, filters, callbacks, sink) {
        this.host = host;
        this.steps = filters.map((filter) => ({ filter, state: "going", passed: false, paused: false, ended: false }));
        this.callbacks = callbacks;
        this.sink = sink;
        this.map = undefined;
        this.trailerMap = undefined;
        this.buffer = undefined;
        this.ended = false;
        this.dead = false;
    }

    step(context) {
        return this.steps.find((step) => step.filter.context === context);
    }

    // The header map, while the filter may change it.
    headersOf(context) {
        const step = this.step(context);
        return step?.open ? this.map : undefined;
    }

    // The part of the body that the filter is shown.
    bodyOf(context) {
        const step = this.step(context);
        if (!step) return undefined;
        return step.paused ? this.buffer : step.piece;
    }

    begin(map, end) {
        this.map = map;
        this.ended = end;
        this.headers(0, end);
    }

    headers(from, end) {
        for (let index = from; index < this.steps.length; index++) {
            if (this.dead) return;
            const step = this.steps[index];
            step.ended = end;
            step.open = true;
            if (this.onHeaders(step, end) !== CONTINUE) return;
            step.open = false;
            step.passed = true;
        }
        if (!this.dead) this.sink.headers(this.map, end);
    }

    onHeaders(step, end) {
        const { filter } = step;
        if (filter.context === undefined) {
            step.state = filter.held ? "stopped all" : "going";
            return filter.held ? 1 : CONTINUE;
        }
        const result = filter.run(this.callbacks.headers, this.map.length, end ? 1 : 0);
        if (result !== CONTINUE) step.state = filter.headersStopAlone ? "stopped" : "stopped all";
        return result;
    }

    piece(bytes, end) {
        this.ended ||= end;
        this.data(0, { bytes }, end);
    }

    data(from, data, end) {
        for (let index = from; index < this.steps.length; index++) {
            if (this.dead) return;
            const step = this.steps[index];
            if (step.ended) return;
            if (step.state === "stopped all") return this.keep(data);
            step.ended = end;
            if (this.onData(step, data, end) !== CONTINUE) {
                step.state = "stopped";
                return this.keep(data);
            }
            if (step.state === "stopped") {
                this.keep(data);
                return this.resume(index);
            }
        }
        if (this.dead) return;
        this.sink.data(data.bytes, end);
        data.bytes = "";
    }

    onData(step, data, end) {
        if (step.filter.context === undefined) return CONTINUE;
        if (step.paused) this.keep(data);
        step.piece = data;
        const size = this.bodyOf(step.filter.context).bytes.length;
        const result = step.filter.run(this.callbacks.body, size, end ? 1 : 0);
        // Of every other pause the filter sees the new bytes alone, and nothing outside of the callback.
        step.paused = result === PAUSE;
        if (!step.paused) step.piece = undefined;
        return result;
    }

    keep(data) {
        if (data === this.buffer) return;
        this.buffer ??= { bytes: "" };
        this.buffer.bytes += data.bytes;
        data.bytes = "";
    }

    end(trailers) {
        this.ended = true;
        this.trailerMap = trailers;
        this.trailers(0);
    }

    trailers(from) {
        for (let index = from; index < this.steps.length; index++) {
            if (this.dead) return;
            const step = this.steps[index];
            if (step.state === "stopped all") return;
            if (step.sawTrailers) continue;
            step.sawTrailers = true;
            const result = step.filter.context === undefined ? CONTINUE : step.filter.run(this.callbacks.trailers, 1);
            if (result !== CONTINUE) {
                step.state = "stopped";
                return;
            }
            if (step.state === "stopped") return this.resume(index);
        }
        if (!this.dead) this.sink.trailers(this.trailerMap);
    }

    resumeContext(context) {
        const index = this.steps.findIndex((step) => step.filter.context === context);
        if (index >= 0) this.resume(index);
    }

    resume(index) {
        const step = this.steps[index];
        if (this.dead) return;
        const again = step.state === "stopped all" ? index : index + 1;
        step.state = "going";
        if (!step.passed) {
            step.passed = true;
            this.headers(index + 1, this.ended && !this.buffer && !this.trailerMap);
        }
        const hadTrailers = this.trailerMap !== undefined;
        if (this.buffer) this.data(again, this.buffer, this.ended && !hadTrailers);
        if (hadTrailers) this.trailers(again);
    }
}

module.exports = { Path };
