// @ts-check
/** Numbers as Python writes and rounds them, so that page and command line say the same. */

/**
 * Half to even, as Python's round().
 * @param {number} x
 */
export function round(x) {
  const low = Math.floor(x);
  const rest = x - low;
  if (rest === 0.5) return low % 2 === 0 ? low : low + 1;
  return rest < 0.5 ? low : low + 1;
}

/**
 * Python's f"{x:.4g}" for digits = 4.
 * @param {number} x
 * @param {number} digits
 */
export function general(x, digits) {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  if (x === 0) return Object.is(x, -0) ? "-0" : "0";
  const [mantissa, power] = x.toExponential(digits - 1).split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= digits) {
    const sign = exponent < 0 ? "-" : "+";
    return `${bare(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  return bare(x.toFixed(digits - 1 - exponent));
}

/** @param {string} text */
function bare(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/**
 * 1.4 MB, 670 kB.
 * @param {number} bytes
 */
export function sized(bytes) {
  const steps = ["bytes", "kB", "MB", "GB"];
  let step = 0;
  let n = bytes;
  for (; n >= 1000 && step < steps.length - 1; step++) n /= 1000;
  return `${general(n, 3)} ${steps[step]}`;
}
