// @ts-check
/** Half precision, for browsers whose arrays have none. */

/**
 * The bits of float16, rounded to the nearest, ties to even.
 * @param {ArrayLike<number>} values
 */
export function half(values) {
  const found = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) found[i] = bits(values[i]);
  return found;
}

/** @param {number} x */
function bits(x) {
  if (Number.isNaN(x)) return 0x7e00;
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const size = Math.abs(x);
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(Math.floor(Math.log2(size)), -14);
  const power = size >= 2 ** (exponent + 1) ? exponent + 1 : exponent;
  const unit = 2 ** (Math.max(power, -14) - 10);
  let steps = size / unit;
  const low = Math.floor(steps);
  const rest = steps - low;
  steps = rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
  return sign | (steps < 1024 ? steps : ((Math.max(power, -14) + 14) << 10) + steps);
}

/**
 * @param {Uint16Array} values
 */
export function whole(values) {
  const found = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const [sign, power, steps] = [values[i] >> 15, (values[i] >> 10) & 31, values[i] & 1023];
    const size =
      power === 31
        ? steps
          ? Number.NaN
          : Number.POSITIVE_INFINITY
        : power === 0
          ? steps * 2 ** -24
          : (1024 + steps) * 2 ** (power - 25);
    found[i] = sign ? -size : size;
  }
  return found;
}
