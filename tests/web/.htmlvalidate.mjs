// How html-validate reads the built pages. Everything recommended stands; what is off says why.
export default {
  // No other configuration is looked for above the built folder, which lies anywhere.
  root: true,
  extends: ["html-validate:recommended"],
  rules: {
    // A doctype is the same in either case; which one the template writes is taste.
    "doctype-style": "off",
  },
};
