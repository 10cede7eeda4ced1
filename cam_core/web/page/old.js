// A classic script, so that browsers too old for the rest still say something.
(() => {
  var lacking = [];
  if (typeof WebAssembly !== "object") lacking.push("WebAssembly");
  if (typeof OffscreenCanvas === "undefined") lacking.push("OffscreenCanvas");
  if (typeof createImageBitmap === "undefined") lacking.push("createImageBitmap");
  if (!("noModule" in document.createElement("script"))) lacking.push("modules");
  window.lacking = lacking;
  if (lacking.length === 0) return;
  document.addEventListener("DOMContentLoaded", () => {
    var alert = document.getElementById("alert");
    alert.textContent =
      "This browser is too old for the page (it lacks " +
      lacking.join(", ") +
      "): take Chrome 102, Firefox 114, Safari 16.4 or a newer one.";
    alert.removeAttribute("hidden");
    document.getElementById("status").textContent = "";
  });
})();
