/** What an instrumented file says of itself, and the page of a model. */

export interface Preprocess {
  mean: number[];
  std: number[];
  scale: number;
  bgr: boolean;
  size: number | [number, number] | null;
  resize: number | null;
  margin: number;
  fit: "crop" | "stretch" | "letterbox" | "corner";
  pad: number;
  resample: string;
}

/** How a photo becomes an input, as the file itself says it. */
export interface PictureFacts extends Preprocess {
  size: [number, number];
  layout: string;
  channels: number;
  source: string;
}

export interface InputFacts {
  name: string;
  type: string;
  shape: (number | null)[];
  picture: PictureFacts;
}

/** What of an input a map covers. */
export interface Region {
  input: string;
  axes: number[];
  windows: Window[];
  shifts: Window[];
}

/** `cam.record`, as docs/metadata.md has it. */
export interface Record_ {
  version: number;
  inputs: (Omit<InputFacts, "picture"> & { picture: PictureFacts | null })[];
  given: { name: string; what: string }[];
  outputs: { name: string; what: string; region: Region | null }[];
  score: { tensor: string; class_axis: number; probability: string; entry: string };
  heads: HeadFacts[];
  boxes: BoxRules | null;
  map: { method: string; target: string; maximum: string };
  diagnosis: { saturated: number };
}

/** What `gradcam web` knows of a model beyond its file. */
export interface Notes {
  preprocess_source?: string;
  labels_source?: string;
  layer_note?: string;
}

/** A model of the folder. */
export interface Listed {
  name: string;
  file: string;
  bytes: number;
  notes: Notes;
}

export interface BoxNumbers {
  output: string;
  axis: number;
  start: number;
  count: number;
  background: number | null;
  further: string[];
  written: string;
  own: unknown;
  batched: boolean;
  gridded: boolean;
  each: number;
  angle: number | null;
  unsure: boolean;
}

/** The anchors of one map. */
export interface Level {
  rows: number;
  columns: number;
  stride: number;
  /** Anchors a cell. */
  each: number;
}

/** From which strength on there is a box, and which of two goes. */
export interface BoxRules {
  threshold: number;
  threshold_of_scores: number;
  overlap: number;
  most: number;
  grid: Level[] | null;
}

export interface HeadFacts {
  output: string;
  tensor: string;
  kind: string;
  evidence: string;
  activation: string;
  class_axis: number | null;
  boxes: BoxNumbers | null;
  entry: string;
  /** softmax, sigmoid, exp or "": the model has none. */
  probability: string;
  /** May its numbers be classes, so that the best of them say something? */
  ranked: boolean;
  said: string;
}

export type Window = [number, number];

/** All that is known of an instrumented file. */
export interface Facts {
  name: string;
  bytes: number;
  input: InputFacts;
  size: [number, number];
  preprocess: Preprocess;
  preprocess_source: string;
  labels: string[] | null;
  labels_source: string;
  head: HeadFacts;
  boxes: BoxRules | null;
  layer: string;
  layer_note: string;
  method: string;
  /** Is each map over its own maximum, so that 1 says nothing? */
  relative: boolean;
  target: string;
  /** What else than the picture it is fed: class, cotangent, enable. */
  given: string[];
  /** What the map covers of the input, down and across. */
  windows: [Window, Window];
  /** The tensor whose gradient is taken. */
  score: string;
  /** A probability nearer to 0 or 1 than this has hardly any gradient left. */
  saturated: number;
}
