import { select } from "d3-selection";
import { type ZoomTransform, zoom, zoomIdentity } from "d3-zoom";

/** Pixels from one node to the next at zoom 1. */
const UNIT = 30;
const MARGIN = { left: 28, right: 64 };
const CLOSEST = 8;

/**
 * What part of the graph is seen. Zooming stretches it along the time only, so that lanes stay as high as they are; dragging moves it
 * both ways. Wheel, pinch and drag are d3-zoom's.
 */
export class Camera {
  /** How far down the lanes are moved, in pixels; 0 or less. */
  top = 0;
  #transform: ZoomTransform = zoomIdentity;
  #length = 1;
  #height = 0;
  #size = { width: 1, height: 1 };
  readonly #canvas: HTMLCanvasElement;
  readonly #zoom = zoom<HTMLCanvasElement, unknown>().clickDistance(4);
  /** Whether it shows all there is, and goes on doing so as more comes. */
  #isFitted = true;

  constructor(canvas: HTMLCanvasElement, onMove: () => void) {
    this.#canvas = canvas;
    // Two fingers up and down, or a wheel with shift, move the lanes; the wheel alone zooms.
    this.#zoom.filter((event: WheelEvent & MouseEvent) => !event.button && (event.type !== "wheel" || !event.shiftKey));
    this.#zoom.on("zoom", ({ transform, sourceEvent }: { transform: ZoomTransform; sourceEvent: unknown }) => {
      if (transform.k === this.#transform.k) this.#move(transform.y - this.#transform.y);
      this.#transform = transform;
      if (sourceEvent) this.#isFitted = false;
      onMove();
    });
    select(canvas).call(this.#zoom).on("dblclick.zoom", null);
    canvas.addEventListener(
      "wheel",
      (event) => {
        if (!event.shiftKey) return;
        event.preventDefault();
        this.#move(-(event.deltaY || event.deltaX));
        onMove();
      },
      { passive: false },
    );
  }

  /** Tells it how much there is: places along, pixels down, and the size of the canvas. */
  measure(length: number, height: number, size: { width: number; height: number }): void {
    const grew = length !== this.#length || size.width !== this.#size.width;
    [this.#length, this.#height, this.#size] = [Math.max(length, 1), height, size];
    this.#zoom.scaleExtent([Math.min(this.#fitting() * 0.8, 1), CLOSEST]);
    this.#move(0);
    if (grew && this.#isFitted) this.fit();
  }

  /** Pixels from one place to the next. */
  get step(): number {
    return UNIT * this.#transform.k;
  }

  /** Where a place is, in pixels. */
  x(place: number): number {
    return this.#transform.x + place * this.step;
  }

  /** Which place is at that pixel. */
  place(x: number): number {
    return (x - this.#transform.x) / this.step;
  }

  /** Shows everything. */
  fit(): void {
    const k = Math.min(this.#fitting(), 1);
    this.#go(zoomIdentity.translate(MARGIN.left, 0).scale(k));
    this.#isFitted = true;
  }

  zoomBy(factor: number): void {
    this.#isFitted = false;
    select(this.#canvas).call(this.#zoom.scaleBy, factor);
  }

  /** Brings a place and a height into view, if they are not. */
  show(place: number, y: number): void {
    const { width, height } = this.#size;
    const x = this.x(place);
    if (x < MARGIN.left || x > width - MARGIN.right) {
      this.#isFitted = false;
      this.#centre(place, this.#transform.k);
    }
    if (y < 40) this.#move(40 - y);
    if (y > height - 40) this.#move(height - 40 - y);
  }

  /** Zooms in on a place, as close as nodes can be told apart. */
  approach(place: number): void {
    if (this.step >= 12) return;
    this.#isFitted = false;
    this.#centre(place, 1);
  }

  /** As far in the middle as the ends allow. */
  #centre(place: number, k: number): void {
    const { width } = this.#size;
    const last = width - MARGIN.right - (this.#length - 1) * UNIT * k;
    const x = Math.min(MARGIN.left, Math.max(width / 2 - place * UNIT * k, last));
    this.#go(zoomIdentity.translate(x, this.#transform.y).scale(k));
  }

  #fitting(): number {
    return (this.#size.width - MARGIN.left - MARGIN.right) / (UNIT * Math.max(this.#length - 1, 1));
  }

  #go(transform: ZoomTransform): void {
    select(this.#canvas).call(this.#zoom.transform, transform);
  }

  #move(by: number): void {
    this.top = Math.min(0, Math.max(this.top + by, this.#size.height - this.#height));
  }
}
