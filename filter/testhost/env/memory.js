// The module's memory and exports, once wasm-bindgen has made the instance.
"use strict";

let glue;

// The file that wasm-bindgen wrote, and that asked for the module `env`.
exports.follow = (module) => {
    glue ??= module;
};

const instance = () => glue.exports.__wasm;

exports.call = (name, ...parameters) => instance()[name](...parameters);

const bytes = (pointer, length) => new Uint8Array(instance().memory.buffer, pointer >>> 0, length >>> 0);
exports.bytes = bytes;

// Bytes are strings with one character for each byte, so that JSON can carry them.
exports.text = (pointer, length) => Buffer.from(bytes(pointer, length)).toString("latin1");

const setWord = (pointer, value) => new DataView(instance().memory.buffer).setUint32(pointer >>> 0, value, true);
exports.setWord = setWord;

// Hands a value to the module, in memory that the module frees.
exports.give = (value, pointerAt, lengthAt) => {
    const data = Buffer.from(value, "latin1");
    const pointer = data.length === 0 ? 0 : instance().malloc(data.length);
    bytes(pointer, data.length).set(data);
    setWord(pointerAt, pointer);
    setWord(lengthAt, data.length);
};

// The ABI's form of a list of pairs: count, sizes, then names and values, each with a zero byte behind.
exports.pack = (pairs) => {
    const sizes = Buffer.alloc(4 + 8 * pairs.length);
    sizes.writeUInt32LE(pairs.length, 0);
    pairs.forEach(([name, value], index) => {
        sizes.writeUInt32LE(name.length, 4 + 8 * index);
        sizes.writeUInt32LE(value.length, 8 + 8 * index);
    });
    return sizes.toString("latin1") + pairs.map(([name, value]) => `${name}\0${value}\0`).join("");
};

exports.unpack = (pointer, length) => {
    const data = Buffer.from(bytes(pointer, length));
    const pairs = [];
    let at = 4 + 8 * data.readUInt32LE(0);
    const take = (size) => data.subarray(at, (at += size + 1) - 1).toString("latin1");
    for (let index = 0; index < data.readUInt32LE(0); index++) {
        const name = take(data.readUInt32LE(4 + 8 * index));
        pairs.push([name, take(data.readUInt32LE(8 + 8 * index))]);
    }
    return pairs;
};
