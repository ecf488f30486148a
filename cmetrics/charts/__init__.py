"""Charts: geometry of static SVG pictures, JSON data of interactive ones, and plotly.js."""
