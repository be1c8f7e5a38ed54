// Times the scanner in V8: `node measure.mjs MODULE`. Build the module first, see `measure`.
import { readFileSync } from "node:fs";

const names = ["call_200", "argument_64k", "text_64k", "unicode_64k", "list_120k", "structure_1m"];
const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]));
const { scan } = instance.exports;
for (const [label, piece] of [["whole", 0xffffffff], ["16 kB pieces", 16384]]) {
  for (const [index, name] of names.entries()) {
    const length = scan(index, 1, piece);
    if (length === 0) throw new Error(`${name} is refused`);
    const rounds = Math.ceil(1e6 / length);
    // The best of many short runs: what a quiet machine does. Making the document is measured apart.
    const best = (rounds) => {
      let best = Infinity;
      for (let run = 0; run < 300; run++) {
        const start = performance.now();
        scan(index, rounds, piece);
        best = Math.min(best, performance.now() - start);
      }
      return best;
    };
    const milliseconds = best(rounds) - best(0);
    const speed = (length * rounds) / (milliseconds / 1e3) / 1e6;
    const each = ((milliseconds * 1e3) / rounds).toFixed(2);
    console.log(
      `${name.padStart(14)} ${String(length).padStart(8)} B ${speed.toFixed(0).padStart(8)} MB/s ${each.padStart(9)} us  ${label}`,
    );
  }
}
