// @ts-check
/** What an instrumented .onnx says of itself: its metadata, inputs and outputs. */
import { BinaryReader } from "./vendor/protobuf/wire/binary-encoding.js";

/** @typedef {{name: string, type: number, dims: (number | string)[]}} Value */
/** @typedef {{metadata: Record<string, string>, inputs: Value[], outputs: Value[],
 *   external: boolean}} Stated */

/** Fields of ONNX's messages: the number, and what stands in it. */
const MODEL = { graph: 7, metadata: 14 };
const GRAPH = { initializer: 5, input: 11, output: 12 };
/** TensorProto.data_location and its value EXTERNAL. */
const LOCATION = 14;
const EXTERNAL = 1;

/**
 * Walk a file's outermost messages; weights are stepped over, not read.
 * @param {Uint8Array} bytes
 * @returns {Stated}
 */
export function read(bytes) {
  /** @type {Stated} */
  const found = { metadata: {}, inputs: [], outputs: [], external: false };
  each(bytes, {
    [MODEL.metadata]: (reader) => {
      const { 1: key = "", 2: value = "" } = strings(reader.bytes(), [1, 2]);
      found.metadata[key] = value;
    },
    [MODEL.graph]: (reader) =>
      each(reader.bytes(), {
        [GRAPH.input]: (inner) => found.inputs.push(value(inner.bytes())),
        [GRAPH.output]: (inner) => found.outputs.push(value(inner.bytes())),
        [GRAPH.initializer]: (inner) => {
          found.external ||= isExternal(inner.bytes());
        },
      }),
  });
  return found;
}

/** @typedef {Record<number, (reader: BinaryReader) => unknown>} Visits */

/**
 * Call a visitor for each field that has one.
 * @param {Uint8Array} bytes
 * @param {Visits} visits
 */
function each(bytes, visits) {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    const visit = visits[field];
    if (visit === undefined) reader.skip(wire, field);
    else visit(reader);
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {number[]} fields
 */
function strings(bytes, fields) {
  /** @type {Record<number, string>} */
  const found = {};
  /** @type {Visits} */
  const visits = {};
  for (const field of fields) {
    visits[field] = (reader) => {
      found[field] = reader.string();
    };
  }
  each(bytes, visits);
  return found;
}

/**
 * ValueInfoProto: name, and the type and extents of a tensor.
 * @param {Uint8Array} bytes
 * @returns {Value}
 */
function value(bytes) {
  /** @type {Value} */
  const found = { name: "", type: 0, dims: [] };
  const shape = (/** @type {BinaryReader} */ reader) =>
    each(reader.bytes(), { 1: (one) => found.dims.push(extent(one.bytes())) });
  const tensor = (/** @type {BinaryReader} */ reader) =>
    each(reader.bytes(), {
      1: (one) => {
        found.type = one.int32();
      },
      2: shape,
    });
  each(bytes, {
    1: (reader) => {
      found.name = reader.string();
    },
    2: (reader) => each(reader.bytes(), { 1: tensor }),
  });
  return found;
}

/**
 * A number, or the name of an open extent.
 * @param {Uint8Array} bytes
 */
function extent(bytes) {
  /** @type {number | string} */
  let found = "";
  each(bytes, {
    1: (reader) => {
      found = Number(reader.int64());
    },
    2: (reader) => {
      found = reader.string();
    },
  });
  return found;
}

/** @param {Uint8Array} bytes */
function isExternal(bytes) {
  let found = false;
  each(bytes, {
    [LOCATION]: (reader) => {
      found = reader.int32() === EXTERNAL;
    },
  });
  return found;
}
