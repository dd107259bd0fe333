// SPDX-License-Identifier: MIT
// Renders DICOM files with a stack viewport of cornerstone3D on the CPU, one canvas pixel for each image pixel.
import { Enums, RenderingEngine, cache, init as initCore, setUseCPURendering } from "@cornerstonejs/core";
import { init as initLoader, wadouri } from "@cornerstonejs/dicom-image-loader";

const READY = (async () => {
  await initCore();
  setUseCPURendering(true);
  initLoader({ maxWebWorkers: 1 });
})();

function base64(bytes) {
  let text = "";
  for (let start = 0; start < bytes.length; start += 0x8000) {
    text += String.fromCharCode.apply(null, bytes.subarray(start, start + 0x8000));
  }
  return btoa(text);
}

/** A promise that is rejected by the first error of the page: rendering runs outside the promises of the viewport. */
function errorOfPage() {
  return new Promise((_, reject) => {
    window.addEventListener("error", (event) => reject(event.error ?? new Error(event.message)), { once: true });
    window.addEventListener("unhandledrejection", (event) => reject(event.reason), { once: true });
  });
}

/** Renders the first frame of the file at `url`, whose image has the given rows and columns. */
async function renderFile(url, rows, columns) {
  await READY;
  const element = document.createElement("div");
  element.style.width = `${columns}px`;
  element.style.height = `${rows}px`;
  document.body.replaceChildren(element);
  const failed = errorOfPage();
  failed.catch(() => undefined);
  const engine = new RenderingEngine("engine");
  try {
    engine.enableElement({ viewportId: "stack", type: Enums.ViewportType.STACK, element });
    const viewport = engine.getViewport("stack");
    const rendered = new Promise((resolve) =>
      element.addEventListener(Enums.Events.IMAGE_RENDERED, resolve, { once: true }));
    await Promise.race([viewport.setStack([`wadouri:${url}`]), failed]);
    viewport.setZoom(1);
    viewport.render();
    await Promise.race([rendered, failed]);
    const image = viewport.getCornerstoneImage();
    const canvas = viewport.getCanvas();
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return {
      columns: canvas.width,
      rows: canvas.height,
      pixels: base64(data),
      zoom: viewport.getZoom(),
      window: [image.windowCenter, image.windowWidth],
      voi: viewport.getProperties().voiRange,
      voiFunction: image.voiLUTFunction,
      range: [image.minPixelValue, image.maxPixelValue],
    };
  } finally {
    engine.destroy();
    cache.purgeCache();
    wadouri.dataSetCacheManager.purge();
  }
}

window.renderFile = renderFile;
