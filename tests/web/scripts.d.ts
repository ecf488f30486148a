// Declarations for the type check of the page's scripts (tests/site/test_scripts.py). Elements found by selectors are
// `any`, because the check cannot infer their types.

interface ParentNode {
  querySelector(selectors: string): any;
  querySelectorAll(selectors: string): NodeListOf<any>;
}

interface Document {
  getElementById(id: string): any;
}

interface Element {
  closest(selectors: string): any;
}

interface EventTarget {
  closest(selectors: string): any;
  querySelector(selectors: string): any;
  dataset: DOMStringMap;
  tagName: string;
}

interface Navigator {
  /** Only in Chromium. */
  connection?: { saveData: boolean; effectiveType: string };
}

interface Window {
  Plotly: any;
  cmetricsPictures: { savePicture: (chart: any, format: string, size?: string) => Promise<void>; saveFigure: (path: string, name: string, size: string) => Promise<void> };
  cmetricsDays: (name: string, days: any) => void;
  cmetricsMonths: (name: string, months: any) => void;
}

/** The table of the language, which the build inserts before the scripts. */
declare const FORMATS: any;
