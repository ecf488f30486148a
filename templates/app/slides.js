// A report of a month: the arrow keys move from slide to slide. Without scripts, the links below each slide do.

const slides = [...document.querySelectorAll(".slide")];
const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

/** The current slide: the last one that begins in the upper half of the window. */
function currentSlide() {
  const begun = slides.findLastIndex((slide) => slide.getBoundingClientRect().top < innerHeight / 2);
  return Math.max(0, begun);
}

addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  if (!step || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const slide = slides[currentSlide() + step];
  if (!slide) return;
  event.preventDefault();
  // Like the links, but without a history entry for each step.
  history.replaceState(null, "", `#${slide.id}`);
  slide.scrollIntoView();
  slide.focus({ preventScroll: true });
});
setUpTheme(() => {});
