"""Drawing: still pictures as SVG geometry, the data of live ones as JSON, and plotly.js itself."""
