// The one WASI function that the filter imports.
"use strict";

const { randomFillSync } = require("node:crypto");
const memory = require("env/memory.js");

exports.random_get = (pointer, length) => {
    randomFillSync(memory.bytes(pointer, length));
    return 0;
};
