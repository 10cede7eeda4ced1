// One picture's recording from JavaScript, without a package: node record.js writes photo.npz.
const crcs = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});
const crc = (bytes) => ~bytes.reduce((c, b) => crcs[(c ^ b) & 255] ^ (c >>> 8), ~0) >>> 0;
const npy = (array, type, shape) => {
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  const head = Buffer.from(text.padEnd(117) + "\n", "latin1"); // with its 10 bytes 128
  return Buffer.concat([Buffer.from([0x93, 78, 85, 77, 80, 89, 1, 0, head.length, 0]), head,
    Buffer.from(array.buffer, array.byteOffset, array.byteLength)]);
};
const u16 = (n) => Buffer.from([n & 255, n >>> 8]);
const u32 = (n) => Buffer.from(Uint32Array.of(n).buffer);
function npz(arrays) { // name: [typed array, NumPy's type, shape] -> a .zip that stores them
  const files = [], index = [];
  let at = 0;
  for (const [key, array] of Object.entries(arrays)) {
    const name = Buffer.from(`${key}.npy`), data = npy(...array);
    const said = Buffer.concat([u16(20), u16(0), u16(0), u16(0), u16(33), u32(crc(data)),
      u32(data.length), u32(data.length), u16(name.length), u16(0)]);
    index.push(Buffer.concat([u32(0x02014b50), u16(20), said, Buffer.alloc(10), u32(at), name]));
    files.push(u32(0x04034b50), said, name, data);
    at += 30 + name.length + data.length;
  }
  const table = Buffer.concat(index);
  return Buffer.concat([...files, table, u32(0x06054b50), u32(0), u16(index.length),
    u16(index.length), u32(table.length), u32(at), u16(0)]);
}
module.exports = { npz };
if (require.main === module) {
  const input = new Float32Array(12).map((_, i) => i); // what the model was fed
  require("fs").writeFileSync("photo.npz", npz({
    input_sha256: [require("crypto").createHash("sha256").update(Buffer.from(input.buffer)).digest(),
      "|u1", [32]],
    logits: [Float32Array.of(0.5, -1, 2), "<f4", [1, 3]],
    cam_map: [Float32Array.of(0, 1, 2, 0), "<f4", [1, 2, 2]],
    cam_signed: [Float32Array.of(-3, 1, 2, -1), "<f4", [1, 2, 2]],
    cam_class_used: [BigInt64Array.of(2n), "<i8", [1]],
  }));
}
