// The button that selects light, dark, or the system's scheme. theme.js applies the choice before the first paint.

const THEMES = { auto: "light", light: "dark", dark: "auto" };

/** Calls `changed` after each choice. */
function setUpTheme(changed) {
  const button = document.querySelector("[data-do=theme]");
  const show = () => {
    button.textContent = `Theme: ${document.documentElement.dataset.theme ?? "auto"}`;
  };
  button.addEventListener("click", () => {
    const next = THEMES[document.documentElement.dataset.theme ?? "auto"];
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      if (next === "auto") localStorage.removeItem("theme");
      else localStorage.setItem("theme", next);
    } catch {
      // Without storage, the choice applies to this page only.
    }
    show();
    changed();
  });
  show();
}
