"""The one style of all that notebooks show.

Colours are shades of the text's own colour on no background, so that they suit a light and a dark theme alike: what
the operating system prefers says nothing about the theme of a notebook.
"""

STYLE = """<style>
.coactive { color: inherit; font-size: 13px; line-height: 1.45; max-width: 100%; overflow-wrap: anywhere; }
.coactive .coactive-beside { display: flex; flex-wrap: wrap; gap: 12px 28px; align-items: flex-start; }
.coactive .coactive-query { flex: 0 0 132px; max-width: 100%; }
.coactive .coactive-found { flex: 1 1 220px; min-width: 0; }
.coactive .coactive-note { opacity: 0.74; }
.coactive .coactive-label { font-size: 11px; letter-spacing: 0.04em; opacity: 0.74; text-transform: uppercase; }
.coactive .coactive-heading { font-size: 14px; font-weight: 600; margin: 18px 0 8px; }
.coactive .coactive-heading .coactive-note { font-size: 12px; font-weight: 400; margin-left: 6px; }
.coactive .coactive-grid {
  display: grid; gap: 16px 12px; grid-template-columns: repeat(auto-fill, minmax(min(112px, 100%), 1fr));
  margin-top: 8px; }
.coactive .coactive-figure { margin: 0; max-width: 200px; min-width: 0; padding: 0; }
.coactive .coactive-picture {
  align-items: center; aspect-ratio: 1; background: rgba(128, 128, 128, 0.13); border-radius: 6px;
  box-sizing: border-box; color: inherit; display: flex; justify-content: center; overflow: hidden;
  text-decoration: none; width: 100%; }
.coactive .coactive-picture img {
  display: block; font-size: 11px; height: 100%; margin: 0; max-width: 100%; object-fit: contain; width: 100%; }
.coactive a.coactive-picture:link, .coactive a.coactive-picture:visited { color: inherit; }
.coactive .coactive-picture:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
.coactive .coactive-missing { border: 1px dashed rgba(128, 128, 128, 0.6); font-size: 11px; padding: 8px; }
.coactive .coactive-query .coactive-picture { box-shadow: 0 0 0 2px currentColor; margin: 5px 2px 7px; width: auto; }
.coactive .coactive-caption { font-size: 12px; line-height: 1.35; margin-top: 5px; text-align: start; }
.coactive .coactive-place { display: flex; gap: 6px; justify-content: space-between; }
.coactive .coactive-score { font-variant-numeric: tabular-nums; font-weight: 600; }
.coactive .coactive-words {
  -webkit-box-orient: vertical; -webkit-line-clamp: 3; display: -webkit-box; overflow: hidden; }
.coactive .coactive-details { font-size: 11px; margin-top: 3px; }
.coactive .coactive-details summary { cursor: pointer; opacity: 0.74; }
.coactive .coactive-known { max-height: 168px; overflow: auto; }
.coactive .coactive-known div { margin-top: 3px; white-space: pre-wrap; }
.coactive .coactive-sides {
  display: grid; gap: 0 20px; grid-auto-flow: column; grid-template-columns: repeat(2, minmax(0, 360px)); }
.coactive .coactive-side { display: contents; }
.coactive .coactive-row {
  align-items: center; border-top: 1px solid rgba(128, 128, 128, 0.25); display: flex; flex-wrap: wrap;
  font-size: 12px; gap: 4px 8px; min-height: 44px; padding: 4px 0; }
.coactive .coactive-row .coactive-picture { border-radius: 4px; flex: none; padding: 0; width: 44px; }
.coactive .coactive-rank { flex: none; font-variant-numeric: tabular-nums; min-width: 1.5em; opacity: 0.74; }
.coactive .coactive-name { flex: 1 1 72px; min-width: 0; }
.coactive .coactive-change { border: 1px solid currentColor; border-radius: 9px; font-size: 11px; padding: 0 7px; }
.coactive .coactive-problem { border-left: 3px solid #c9423a; padding: 2px 0 2px 12px; }
.coactive .coactive-problem .coactive-heading { margin: 2px 0; }
</style>"""
