// Times the scanner in V8: `node measure.mjs MODULE NAMES` prints, for each case, its name and its nanoseconds.
import { readFileSync } from "node:fs";

const [module, names] = process.argv.slice(2);
const { instance } = await WebAssembly.instantiate(readFileSync(module));
const { scan } = instance.exports;
// As Envoy hands a body on.
const piece = 16384;

// The best of many short runs: what a quiet machine does.
function best(index, rounds) {
  let best = Infinity;
  for (let run = 0; run < 200; run++) {
    const start = performance.now();
    scan(index, rounds, piece);
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

for (const [index, name] of names.split(" ").entries()) {
  const length = scan(index, 1, piece);
  if (length === 0) throw new Error(`${name} is refused`);
  const rounds = Math.ceil(1e6 / length);
  // Making the document is measured apart.
  const nanoseconds = ((best(index, rounds) - best(index, 0)) * 1e6) / rounds;
  console.log(`${name} ${nanoseconds.toFixed(0)}`);
}
