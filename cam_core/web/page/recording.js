// @ts-check
/** One picture's recording as an .npz that `gradcam compare` takes: docs/recordings.md. */

const encoder = new TextEncoder();
const CRCS = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** @typedef {Float32Array | Uint8Array | BigInt64Array} Numbers */

const TYPES = new Map([
  ["Float32Array", "<f4"],
  ["Uint8Array", "|u1"],
  ["BigInt64Array", "<i8"],
  ["Float64Array", "<f8"],
  ["Uint16Array", "<f2"],
  ["Int8Array", "|i1"],
  ["Int32Array", "<i4"],
]);

/** @typedef {{buffer: ArrayBufferLike, byteOffset: number, byteLength: number,
 *   constructor: {name: string}}} Bytes */

/**
 * @param {{x: Bytes, dims: number[], logits: Float32Array, logitDims: number[],
 *   map: import("./types.d.ts").Grid, signed: import("./types.d.ts").Grid | null,
 *   which: number | null}} found
 * @returns {Promise<Uint8Array>}
 */
export async function recorded({ x, dims, logits, logitDims, map, signed, which }) {
  /** @type {Record<string, [Bytes, number[]]>} */
  const arrays = {};
  const hash = await sha256(bytes(x));
  if (hash === null) arrays.input = [x, dims];
  else arrays.input_sha256 = [hash, [32]];
  const cells = [1, map.height, map.width];
  arrays.logits = [logits, logitDims];
  arrays.cam_map = [map.data, cells];
  if (signed !== null) arrays.cam_signed = [signed.data, cells];
  if (which !== null) arrays.cam_class_used = [BigInt64Array.of(BigInt(which)), [1]];
  return zipped(Object.entries(arrays).map(([name, array]) => [`${name}.npy`, npy(...array)]));
}

/**
 * Null where the page is not served securely: browsers hash nowhere else.
 * @param {Uint8Array} data
 */
async function sha256(data) {
  if (globalThis.crypto?.subtle === undefined) return null;
  const copy = new Uint8Array(data); // never one that threads share
  return new Uint8Array(await crypto.subtle.digest("SHA-256", copy));
}

/** @param {Bytes} array */
function bytes(array) {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/**
 * @param {Bytes} array
 * @param {number[]} shape
 */
export function npy(array, shape) {
  const type = TYPES.get(array.constructor.name);
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  const head = encoder.encode(`${text.padEnd(117)}\n`); // with its 10 bytes 128
  return joined([
    Uint8Array.of(0x93, 78, 85, 77, 80, 89, 1, 0, head.length, 0),
    head,
    bytes(array),
  ]);
}

/**
 * A .zip that stores its files as they are.
 * @param {[string, Uint8Array][]} files
 */
export function zipped(files) {
  /** @type {Uint8Array[]} */
  const parts = [];
  /** @type {Uint8Array[]} */
  const index = [];
  let at = 0;
  for (const [title, data] of files) {
    const name = encoder.encode(title);
    const said = joined([
      ...[u16(20), u16(0), u16(0), u16(0), u16(33), u32(crc(data))],
      ...[u32(data.length), u32(data.length), u16(name.length), u16(0)],
    ]);
    index.push(joined([u32(0x02014b50), u16(20), said, new Uint8Array(10), u32(at), name]));
    parts.push(u32(0x04034b50), said, name, data);
    at += 30 + name.length + data.length;
  }
  const table = joined(index);
  const end = joined([
    ...[u32(0x06054b50), u32(0), u16(files.length), u16(files.length)],
    ...[u32(table.length), u32(at), u16(0)],
  ]);
  return joined([...parts, table, end]);
}

/** @param {Uint8Array} data */
function crc(data) {
  let c = ~0;
  for (let i = 0; i < data.length; i++) c = CRCS[(c ^ data[i]) & 255] ^ (c >>> 8);
  return ~c >>> 0;
}

/** @param {number} n */
function u16(n) {
  return Uint8Array.of(n & 255, n >>> 8);
}

/** @param {number} n */
function u32(n) {
  return Uint8Array.of(n & 255, (n >>> 8) & 255, (n >>> 16) & 255, n >>> 24);
}

/** @param {Uint8Array[]} parts */
function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
