/** What the modules of the page hand one another. */

export type * from "./record.d.ts";

/** Numbers of a map, row after row. */
export interface Grid {
  data: Float32Array;
  height: number;
  width: number;
}

/** A photo, three bytes a pixel. */
export interface Photo {
  data: Uint8Array;
  height: number;
  width: number;
}

export interface Placement {
  photo: [number, number];
  size: [number, number];
  box: [number, number, number, number];
  inner: [number, number];
  corner: [number, number];
}

export interface Prepared {
  x: Float32Array | Uint8Array | Int8Array | Uint16Array | Float64Array | Int32Array;
  dims: number[];
  placement: Placement;
  description: string;
}

/** One of the best answers. */
export interface Answer {
  which: number;
  label: string;
  value: number;
  /** Is the value a probability that the model makes, or its score? */
  likely: boolean;
}

/** A box that a detector found, in pixels of the photo. */
export interface Box {
  anchor: number;
  which: number;
  label: string;
  /** Its probability, or its score where the model makes none. */
  value: number;
  corners: [number, number, number, number];
}

/** A region that a segmenter found. */
export interface Found {
  which: number;
  label: string;
  /** The share of the places where the class wins. */
  share: number;
}

/** What is asked of a model. */
export type Ask = { class: number } | { box: number } | { region: number };

export type View = "heat" | "signed" | "photo";

/** How a map is painted; `weight`: 1 is the photo alone; `live`: a frame of the camera, small. */
export interface How {
  view: View;
  weight: number;
  live?: boolean;
}

/** RGBA bytes. */
export interface Picture {
  data: Uint8ClampedArray;
  height: number;
  width: number;
}

/** What the browser lays over a frame of the camera, and how bright it draws both; 1 is as it is. */
export interface Overlay {
  picture: Picture;
  at: Placement;
  heat: number;
  photo: number;
}

/** What one look at a photo gave. */
export interface Look {
  /** What is asked: 0 is the first answer, box or region. */
  chosen: number;
  title: string;
  answers: Answer[];
  boxes: Box[];
  regions: Found[];
  entry: string;
  which: number;
  score: number;
  probability: number | null;
  rawMax: number;
  rawMin: number;
  diagnosis: string;
  description: string;
  doubt: string;
  map: Grid;
  signed: Grid;
  /** Null of a frame of the camera that the browser draws itself. */
  picture: Picture | null;
  overlay: Overlay | null;
  photo: [number, number];
  /** Where the chosen region lies, over the model's whole input; null of other kinds. */
  outline: Mask | null;
  milliseconds: number;
}

/** 1 where there is something. */
export interface Mask {
  data: Uint8Array;
  height: number;
  width: number;
}
